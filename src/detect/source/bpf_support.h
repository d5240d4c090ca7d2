// SPDX-License-Identifier: Apache-2.0
// What every user of libbpf here needs: owners for its objects, its log in our errors, and advice
// for the errors that people meet. libbpf prints to stderr by itself; within a BpfLog it does not.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <string>
#include <utility>

#include "plumb/base/result.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// Collects what libbpf says on this thread from its construction to its destruction, warnings
// only. libbpf has one print function for the whole process; ours looks for the thread's innermost
// BpfLog, and is silent where there is none. Bounds: the last 8 KiB.
class BpfLog {
 public:
  BpfLog();
  ~BpfLog();
  BpfLog(const BpfLog&) = delete;
  BpfLog& operator=(const BpfLog&) = delete;

  // The line that names the cause: of the verifier's output the last, else the first warning.
  std::string cause() const;
  void append(std::string_view text);

 private:
  BpfLog* outer_;
  std::string text_;
};

// An Error with the advice that fits `code`: EPERM and EACCES want privileges, ENOENT of a type
// wants BTF, ENOTSUP and EINVAL a newer kernel. What libbpf said becomes part of the object.
Error bpf_failure(std::string operation, std::string object, int code, const BpfLog& log);

// Owners. A skeleton is a struct that bpftool generates, with its own destroy().
template <typename Skeleton>
struct SkeletonDeleter {
  void operator()(Skeleton* skeleton) const { Skeleton::destroy(skeleton); }
};
template <typename Skeleton>
using BpfSkeleton = std::unique_ptr<Skeleton, SkeletonDeleter<Skeleton>>;

struct BpfLinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using BpfLink = std::unique_ptr<bpf_link, BpfLinkDeleter>;

// The kernel's types as far as one object names them (kernel_types.h), for the time from its
// opening to its loading. Empty where the kernel's BTF cannot be read: libbpf then looks by itself,
// and says what is wrong.
class BpfTypes {
 public:
  BpfTypes() = default;
  explicit BpfTypes(const bpf_object& object);
  bool empty() const { return !file_; }
  const std::string& path() const { return path_; }

 private:
  UniqueFd file_;
  std::string path_;
};

// Opens an object that load_skeleton() relocates against `types`, which must live until then: 90 ms
// less for the survey than with all the kernel's types.
template <typename Skeleton>
Result<BpfSkeleton<Skeleton>> open_skeleton_with_types(const char* name, BpfTypes& types) {
  const BpfLog log;
  BpfSkeleton<Skeleton> skeleton(Skeleton::open(nullptr));
  if (!skeleton) return bpf_failure("open BPF object", name, errno, log);
  types = BpfTypes(*skeleton->obj);
  if (types.empty()) return skeleton;
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.btf_custom_path = types.path().c_str();
  skeleton.reset(Skeleton::open(&options));
  if (!skeleton) return bpf_failure("open BPF object", name, errno, log);
  return skeleton;
}

// Reads the embedded object, loads nothing. Set rodata, map sizes and bpf_program__set_autoload
// between this and load_skeleton(). Errors: ENOMEM, EINVAL of a broken object.
template <typename Skeleton>
Result<BpfSkeleton<Skeleton>> open_skeleton(const char* name) {
  const BpfLog log;
  BpfSkeleton<Skeleton> skeleton(Skeleton::open(nullptr));
  if (!skeleton) return bpf_failure("open BPF object", name, errno, log);
  return skeleton;
}

// Relocates, verifies and loads. Errors: EPERM without CAP_BPF and CAP_PERFMON; ENOENT or ESRCH
// without the kernel's BTF or a type in it; EINVAL, EACCES of the verifier.
template <typename Skeleton>
Result<void> load_skeleton(Skeleton& skeleton, const char* name) {
  const BpfLog log;
  const int error = Skeleton::load(&skeleton);
  if (error != 0) return bpf_failure("load BPF object", name, -error, log);
  return {};
}

// Errors: ENOENT where the kernel has no such hook, EPERM, ENOTSUP.
Result<BpfLink> attach(bpf_program& program);

}  // namespace plumb::detect
