// SPDX-License-Identifier: Apache-2.0
// HeapPreload: the heap sampler as a file, for as long as a trace lasts. It stands in a folder of
// its own under TMPDIR that everybody may read, because the program may give up its privileges.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"

namespace plumb::detect {

// What happens to what a program frees. Wiped, it leads nobody to what it led to.
enum class FreedMemory : std::uint8_t { kStays, kWiped };

class HeapPreload {
 public:
  // Errors: of mkdtemp, open and write.
  static Result<HeapPreload> write();
  HeapPreload(HeapPreload&& other) noexcept;
  HeapPreload& operator=(HeapPreload&&) = delete;
  ~HeapPreload();  // removes it; who has it mapped keeps it

  const std::string& path() const { return path_; }
  // Whether a mapped file is a sampler, by its name.
  static bool is_sampler(std::string_view file) { return file.ends_with(kName); }
  // "LD_PRELOAD=…" before what stands there already, and the mean distance of the sampled bytes.
  std::vector<std::string> environment(std::uint64_t mean, FreedMemory freed) const;

 private:
  explicit HeapPreload(std::string folder)
      : folder_(std::move(folder)), path_(folder_ + std::string(kName)) {}
  static constexpr std::string_view kName = "/libplumb-heap.so";

  std::string folder_;
  std::string path_;
};

}  // namespace plumb::detect
