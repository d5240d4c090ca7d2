// SPDX-License-Identifier: Apache-2.0
// Builds streams of the iterators' rows for tests.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/source/bpf/survey_abi.h"

namespace plumb::detect {

class RowBytes {
 public:
  RowBytes& thread(survey_thread row, std::string_view comm = "init") {
    row.head.length = sizeof row;
    row.head.type = SURVEY_THREAD;
    std::memcpy(row.comm, comm.data(), comm.size());
    append(&row, sizeof row);
    return *this;
  }
  // A process of one thread with a table of descriptors.
  RowBytes& process(int pid, std::uint64_t start = 1'000'000'000) {
    survey_thread row{};
    row.pid = row.tid = pid;
    row.start = start;
    row.head.bits = SURVEY_LEADER | SURVEY_HAS_FILES | SURVEY_HAS_MEMORY;
    return thread(row);
  }
  RowBytes& file(survey_file row, std::string_view text = {},
                 std::optional<survey_socket> socket = {}) {
    const std::size_t begin = bytes_.size();
    row.head.type = SURVEY_FILE;
    row.text_length = static_cast<survey_u16>(text.size());
    if (row.start == 0) row.start = 1'000'000'000;
    if (socket) row.head.bits |= SURVEY_HAS_SOCKET | SURVEY_IS_SOCKET;
    append(&row, sizeof row);
    if (socket) append(&*socket, sizeof *socket);
    append(text.data(), text.size());
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    const auto length = static_cast<survey_u16>(bytes_.size() - begin);
    std::memcpy(bytes_.data() + begin, &length, sizeof length);
    return *this;
  }
  std::span<const std::byte> span() const { return bytes_; }

 private:
  void append(const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  std::vector<std::byte> bytes_;
};

}  // namespace plumb::detect
