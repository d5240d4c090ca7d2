// SPDX-License-Identifier: Apache-2.0
// Loading a BPF object against the few types of the kernel that it names, so that libbpf need not
// read them all: of the survey's 130 ms it takes 115.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <map>
#include <string>

#include "detect/source/bpf_support.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {

// The kernel's types as far as one object names them (kernel_types.h), for the time from its
// opening to its loading. Empty where the kernel's BTF cannot be read: libbpf then looks by itself,
// and says what is wrong.
//
// While one lives that is not empty, libbpf gets the functions that iterators hang on from it; it
// has one table of such handlers for the whole process, which it does not lock. So: one at a time,
// and no other thread uses libbpf.
class BpfTypes {
 public:
  BpfTypes() = default;
  ~BpfTypes();
  BpfTypes(const BpfTypes&) = delete;
  BpfTypes& operator=(const BpfTypes&) = delete;

  // Looks the types up. False, and empty, where that cannot be done.
  bool find(const bpf_object& object);
  bool empty() const { return !file_; }
  const std::string& path() const { return path_; }

 private:
  static int prepare(bpf_program* program, bpf_prog_load_opts* options, long self);
  void answer_for_iterators();

  UniqueFd file_;
  std::string path_;
  std::map<std::string, std::uint32_t, std::less<>> functions_;
  int handler_ = -1;
};

// Opens an object that load_skeleton() relocates against `types`, which must live until then.
// Errors: as open_skeleton().
template <typename Skeleton>
Result<BpfSkeleton<Skeleton>> open_skeleton_with_types(const char* name, BpfTypes& types) {
  auto opened = open_skeleton<Skeleton>(name);
  if (!opened || !types.find(*(*opened)->obj)) return opened;
  const BpfLog log;
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.btf_custom_path = types.path().c_str();
  BpfSkeleton<Skeleton> skeleton(Skeleton::open(&options));
  if (!skeleton) return bpf_failure("open BPF object", name, errno, log);
  return skeleton;
}

}  // namespace plumb::detect
