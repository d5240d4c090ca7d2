// SPDX-License-Identifier: Apache-2.0
// HeapPreload: the heap sampler as a file, for as long as a trace lasts. It stands in a folder of
// its own under TMPDIR that everybody may read, because the program may give up its privileges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plumb/base/result.h"

namespace plumb::detect {

class HeapPreload {
 public:
  // Errors: of mkdtemp, open and write.
  static Result<HeapPreload> write();
  HeapPreload(HeapPreload&& other) noexcept;
  HeapPreload& operator=(HeapPreload&&) = delete;
  ~HeapPreload();  // removes it; who has it mapped keeps it

  const std::string& path() const { return path_; }
  // "LD_PRELOAD=…" before what stands there already, and the mean distance of the sampled bytes.
  std::vector<std::string> environment(std::uint64_t mean) const;

 private:
  explicit HeapPreload(std::string folder)
      : folder_(std::move(folder)), path_(folder_ + "/libplumb-heap.so") {}

  std::string folder_;
  std::string path_;
};

}  // namespace plumb::detect
