// SPDX-License-Identifier: Apache-2.0
// ModuleCache: one Module per file and per build, shared by all processes. The same libc in ten
// containers has ten inodes and one build id: it is read once.
//
// A build id is a claim that anybody can make, so it counts only together with the file's size and
// table of contents; a forged one cannot put its rules under another process's library.
//
// Threads: one at a time. Memory: modules stay until drop_unused(), which the owner calls when it
// forgets processes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "detect/symbol/module.h"
#include "detect/symbol/process_access.h"

namespace plumb::detect {

class ModuleCache {
 public:
  // The module behind a mapping; never null. Reads the file at the first question.
  std::shared_ptr<Module> get(const ProcessAccess& access, Pid process, const Mapping& mapping);

  // Forgets modules that nobody else refers to.
  void drop_unused();

  // Modules keep their file open until their names are read; the cache has the names of the oldest
  // read when more than this many are.
  static constexpr std::size_t kMostOpen = 128;

  std::size_t size() const noexcept { return by_file_.size(); }

 private:
  std::shared_ptr<Module> load(std::shared_ptr<const ImageSource> source, std::string path);
  void bound_open_files(const ProcessAccess& access, Pid process, std::shared_ptr<Module> newest);

  // device, inode, size: a file rewritten in place changes its size or its build id with it
  using FileIdentity = std::tuple<FileKey, std::uint64_t>;
  using BuildIdentity = std::tuple<BuildId, std::uint64_t, std::size_t>;

  std::map<FileIdentity, std::shared_ptr<Module>> by_file_;
  std::map<BuildIdentity, std::shared_ptr<Module>> by_build_;
  std::uint64_t serial_ = 0;
  std::shared_ptr<Module> nothing_;
  std::vector<std::weak_ptr<Module>> open_;  // by age
};

}  // namespace plumb::detect
