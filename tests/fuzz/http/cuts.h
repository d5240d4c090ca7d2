// SPDX-License-Identifier: Apache-2.0
// Takes a fuzzer's input apart: the first byte says where the rest is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace plumb::test {

// Pieces of `first byte` + 1 bytes each.
inline std::vector<std::size_t> cuts_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::size_t> cuts;
  if (size == 0) return cuts;
  for (std::size_t at = data[0] + std::size_t{1}; at < size - 1; at += data[0] + std::size_t{1}) {
    cuts.push_back(at);
  }
  return cuts;
}

inline std::string_view bytes_of(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string_view()
                   : std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1);
}

inline void must_equal(const std::string& whole, const std::string& cut) {
  if (whole == cut) return;
  std::fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.c_str(), cut.c_str());
  std::abort();
}

}  // namespace plumb::test
