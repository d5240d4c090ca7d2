// SPDX-License-Identifier: Apache-2.0
// Buffer: bytes on their way, contiguous, without memory while there are none. Ten thousand idle
// connections with 16 KiB each are 160 MiB of nothing; an empty Buffer has given its block back to
// the pool of its network.
//
// Lifetime: the pool outlives its buffers. Threads: those of one loop. A view into a buffer holds
// until the next call that is not const.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace plumb::runtime {

using Bytes = std::span<const std::byte>;

inline Bytes bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Blocks of one size, reused last in, first out while they are warm in the cache.
class BlockPool {
 public:
  static constexpr std::size_t kBlock = 16 * 1024;  // the most that one TLS record carries
  static constexpr std::size_t kKept = 64;          // 1 MiB; the rest goes back to the heap

  std::unique_ptr<std::byte[]> take();
  void give(std::unique_ptr<std::byte[]> block);
  std::size_t lent() const noexcept { return lent_; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> free_;
  std::size_t lent_ = 0;
};

class Buffer {
 public:
  explicit Buffer(BlockPool& pool) noexcept : pool_(&pool) {}
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { clear(); }

  Bytes bytes() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  std::string_view text() const noexcept { return text_of(bytes()); }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }

  // Room for at least `least` more bytes behind the last; write there, then commit what was
  // written.
  std::span<std::byte> prepare(std::size_t least);
  void commit(std::size_t count) noexcept { end_ += count; }
  void append(Bytes bytes);

  // Forgets bytes at the front, or all. The last one takes the memory with it.
  void consume(std::size_t count) noexcept;
  void clear() noexcept;

  std::size_t capacity() const noexcept { return capacity_; }

 private:
  void reserve(std::size_t least);

  BlockPool* pool_;
  std::unique_ptr<std::byte[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace plumb::runtime
