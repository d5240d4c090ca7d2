// SPDX-License-Identifier: Apache-2.0
// Touches the pages of rows to come.
#include "detect/source/row_room.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "detect/source/huge_pages.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kWorthIt = 10'000;  // rows: 2 MiB
constexpr std::size_t kShare = 2;         // of all descriptors are sockets, or less

// Nothing of it is read before it is written again.
template <typename T>
void touch(std::vector<T>& room, std::size_t count, const std::stop_token& stop) {
  auto* const begin = reinterpret_cast<volatile std::byte*>(room.data());
  const std::size_t bytes = std::min(count, room.capacity()) * sizeof(T);
  for (std::size_t at = 0; at < bytes && !stop.stop_requested(); at += kPage) {
    begin[at] = std::byte{0};
  }
}

}  // namespace

std::size_t open_files() {
  const auto text = read_file("/proc/sys/fs/file-nr", 128);
  if (!text) return 0;
  std::string_view rest = *text;
  const auto count = parse_number<std::size_t>(take_word(rest)).value_or(0);
  return count + count / 4;
}

RowRoom::RowRoom(const SurveyRequest& planned) {
  if (!planned.only.empty() || std::thread::hardware_concurrency() < 2) return;
  const std::size_t rows = open_files();
  if (rows < kWorthIt) return;
  reserve_huge(descriptors_, rows);
  if (planned.sockets) reserve_huge(sockets_, rows);
  thread_ = std::jthread([this, rows](const std::stop_token& stop) {
    touch(descriptors_, rows / 5 * 4, stop);
    touch(sockets_, rows / 5 * 4 / kShare, stop);
  });
}

void RowRoom::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

std::vector<Descriptor> RowRoom::descriptors() {
  stop();
  return std::exchange(descriptors_, {});
}

std::vector<Socket> RowRoom::sockets() {
  stop();
  return std::exchange(sockets_, {});
}

}  // namespace plumb::detect
