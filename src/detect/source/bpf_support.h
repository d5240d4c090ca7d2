// SPDX-License-Identifier: Apache-2.0
// What every user of libbpf here needs: owners for its objects, its log in our errors, and advice
// for the errors that people meet. libbpf prints to stderr by itself; within a BpfLog it does not.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <string>
#include <utility>

#include "plumb/base/result.h"

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
