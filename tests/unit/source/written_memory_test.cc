// SPDX-License-Identifier: Apache-2.0
// Reading what this very process has written. Nobody stands still meanwhile, which does not matter
// for what does not change.
#include "detect/source/written_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>

namespace plumb::detect {
namespace {

constexpr std::uint64_t kMark = 0x5ca1ab1e0ddba11;
constexpr std::size_t kPage = 4096;

// How often a word stands in memory between two addresses.
std::size_t marks_between(const void* begin, const void* end) {
  const auto from = reinterpret_cast<std::uint64_t>(begin);
  const auto to = reinterpret_cast<std::uint64_t>(end);
  std::size_t found = 0;
  const auto told = visit_written_memory(
      Tid{::gettid()}, 0, [&](std::uint64_t address, std::span<const std::uint64_t> words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
          const std::uint64_t at = address + i * sizeof(std::uint64_t);
          if (at >= from && at < to && words[i] == kMark) ++found;
        }
      });
  EXPECT_TRUE(told);
  return found;
}

class Mapped {
 public:
  explicit Mapped(int flags)
      : begin_(static_cast<std::uint64_t*>(
            ::mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0))) {}
  ~Mapped() { ::munmap(begin_, 4 * kPage); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  std::uint64_t* begin() const { return begin_; }
  std::uint64_t* end() const { return begin_ + 4 * kPage / sizeof(*begin_); }

 private:
  std::uint64_t* begin_;
};

TEST(WrittenMemory, PagesThatWereWrittenAreRead) {
  const Mapped memory(MAP_PRIVATE);
  memory.begin()[0] = kMark;
  memory.end()[-1] = kMark;
  EXPECT_EQ(marks_between(memory.begin(), memory.end()), 2U);
}

TEST(WrittenMemory, SharedMemoryIsRead) {
  const Mapped memory(MAP_SHARED);
  memory.begin()[700] = kMark;
  EXPECT_EQ(marks_between(memory.begin(), memory.end()), 1U);
}

TEST(WrittenMemory, PagesThatMayNoLongerBeWrittenAreRead) {
  const Mapped memory(MAP_PRIVATE);
  memory.begin()[1] = kMark;
  ASSERT_EQ(::mprotect(memory.begin(), 4 * kPage, PROT_READ), 0);
  EXPECT_EQ(marks_between(memory.begin(), memory.end()), 1U);
}

TEST(WrittenMemory, WhatTheStackHasLeftIsPassedOver) {
  const Mapped memory(MAP_PRIVATE);
  memory.begin()[0] = memory.begin()[600] = kMark;
  const auto pointer = reinterpret_cast<std::uint64_t>(memory.begin() + 600);
  std::size_t found = 0;
  ASSERT_TRUE(visit_written_memory(
      Tid{::gettid()}, pointer, [&](std::uint64_t address, std::span<const std::uint64_t> words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
          const std::uint64_t at = address + i * sizeof(std::uint64_t);
          const auto begin = reinterpret_cast<std::uint64_t>(memory.begin());
          if (at >= begin && at < begin + 4 * kPage && words[i] == kMark) ++found;
        }
      }));
  EXPECT_EQ(found, 1U);
}

TEST(WrittenMemory, WhoIsGoneCannotBeRead) {
  EXPECT_FALSE(visit_written_memory(Tid{0x7fffffff}, 0, [](auto, auto) {}));
}

}  // namespace
}  // namespace plumb::detect
