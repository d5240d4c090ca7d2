// SPDX-License-Identifier: Apache-2.0
// Blocks lent and given back, and the buffer that grows over them.
#include "plumb/net/buffer.h"

#include <algorithm>
#include <cassert>

namespace plumb::runtime {

std::unique_ptr<std::byte[]> BlockPool::take() {
  ++lent_;
  if (free_.empty()) return std::unique_ptr<std::byte[]>(new std::byte[kBlock]);
  auto block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BlockPool::give(std::unique_ptr<std::byte[]> block) {
  --lent_;
  if (free_.size() < kKept) free_.push_back(std::move(block));
}

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_),
      data_(std::move(other.data_)),
      capacity_(std::exchange(other.capacity_, 0)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    clear();
    pool_ = other.pool_;
    data_ = std::move(other.data_);
    capacity_ = std::exchange(other.capacity_, 0);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
  }
  return *this;
}

std::span<std::byte> Buffer::prepare(std::size_t least) {
  if (capacity_ - end_ < least) reserve(least);
  return {data_.get() + end_, capacity_ - end_};
}

// Moves to the front when that makes room and is cheap, otherwise doubles.
void Buffer::reserve(std::size_t least) {
  const std::size_t held = size();
  if (data_ && capacity_ - held >= least && held <= capacity_ / 2) {
    std::memmove(data_.get(), data_.get() + begin_, held);
  } else {
    const std::size_t wanted = std::max(held + least, 2 * held);
    const bool block = wanted <= BlockPool::kBlock;
    std::unique_ptr<std::byte[]> grown =
        block ? pool_->take() : std::unique_ptr<std::byte[]>(new std::byte[wanted]);
    if (held != 0) std::memcpy(grown.get(), data_.get() + begin_, held);
    clear();
    data_ = std::move(grown);
    capacity_ = block ? BlockPool::kBlock : wanted;
  }
  begin_ = 0;
  end_ = held;
}

void Buffer::append(Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Buffer::consume(std::size_t count) noexcept {
  assert(count <= size());
  begin_ += count;
  if (begin_ == end_) clear();
}

void Buffer::clear() noexcept {
  if (capacity_ == BlockPool::kBlock) {
    pool_->give(std::move(data_));
  } else {
    data_.reset();
  }
  capacity_ = begin_ = end_ = 0;
}

}  // namespace plumb::runtime
