// SPDX-License-Identifier: Apache-2.0
// V8Heap: objects in the heap of a running V8, read from outside. The process runs on and its
// collector moves things meanwhile: every type is checked before it is believed, every length and
// depth bounded, and what does not fit is nothing.
//
// Threads: one at a time. The access must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detect/symbol/process_access.h"
#include "detect/symbol/v8_layout.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

class V8Heap {
 public:
  static constexpr std::size_t kLongestText = 1024;  // characters of a name

  V8Heap(const ProcessAccess& access, Pid process, const V8Layout& layout)
      : access_(&access), process_(process), layout_(layout) {}

  const V8Layout& layout() const noexcept { return layout_; }

  // A word of an object: `tagged` is a pointer within V8's heap.
  std::optional<std::uint64_t> word(std::uint64_t tagged, std::uint32_t offset) const;
  std::optional<std::uint32_t> half(std::uint64_t tagged, std::uint32_t offset) const;
  // Up to `count` words, as many as there are.
  std::vector<std::uint64_t> words(std::uint64_t tagged, std::uint32_t offset,
                                   std::size_t count) const;
  // The number of an object's type; nothing for what is no object.
  std::optional<std::uint16_t> type(std::uint64_t tagged) const;
  bool is_string(std::uint64_t tagged) const;
  // Nothing for what is no string, or a longer one.
  std::optional<std::string> text(std::uint64_t tagged) const { return text(tagged, 0); }

  // Where a string's characters lie side by side.
  struct Characters {
    Address at{};
    std::uint32_t length = 0;
    bool wide = false;  // UTF-16, else Latin-1

    friend bool operator==(const Characters&, const Characters&) = default;
  };
  std::optional<Characters> characters(std::uint64_t tagged) const;
  std::optional<char16_t> character(const Characters& of, std::uint32_t index) const;
  // Bytes of memory, as many from the front as could be had.
  std::size_t read(Address from, std::span<std::byte> into) const {
    return access_->read_memory(process_, from, into);
  }

  // V8's small integers, which are even where a pointer is odd.
  static std::optional<std::int32_t> small_integer(std::uint64_t word) noexcept;
  static bool is_pointer(std::uint64_t word) noexcept { return (word & 3U) == 1; }

 private:
  std::optional<std::string> text(std::uint64_t tagged, int depth) const;

  const ProcessAccess* access_;
  Pid process_;
  V8Layout layout_;
};

}  // namespace plumb::detect
