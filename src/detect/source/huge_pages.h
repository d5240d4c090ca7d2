// SPDX-License-Identifier: Apache-2.0
// Large vectors in large pages.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plumb::detect {

// Reserves room and asks for pages of 2 MiB: a survey of 200,000 descriptors fills 45 MiB, and each
// page of 4 KiB costs 1 us when it is first written to. Where the kernel has none, nothing changes.
template <typename T>
void reserve_huge(std::vector<T>& rows, std::size_t count) {
  constexpr std::uintptr_t kHuge = std::uintptr_t{2} << 20;
  rows.reserve(count);
  const auto address = reinterpret_cast<std::uintptr_t>(rows.data());
  const std::uintptr_t first = (address + kHuge - 1) & ~(kHuge - 1);
  const std::uintptr_t end = (address + rows.capacity() * sizeof(T)) & ~(kHuge - 1);
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
}

}  // namespace plumb::detect
