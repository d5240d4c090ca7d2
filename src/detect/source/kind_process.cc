// SPDX-License-Identifier: Apache-2.0
// Asking /proc for threads and children.
#include "detect/source/kind_process.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "detect/source/proc_reader.h"
#include "detect/source/process_files.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kStatBytes = 4096;

}  // namespace

bool check_threads(Pid process, std::span<CheckedResource> rows) {
  ProcReader reader;
  const UniqueFd proc = open_directory(UniqueFd(), "/proc");
  const UniqueFd tasks = open_directory(proc, ProcPath(number(process), "/task").c_str());
  std::vector<std::int32_t> threads;
  if (!tasks || !reader.list(tasks, threads)) return false;
  // In another pid namespace the numbers mean nothing.
  if (!std::ranges::binary_search(threads, number(process))) return false;
  for (CheckedResource& row : rows) {
    row.gone = !std::ranges::binary_search(threads, static_cast<std::int32_t>(row.identity));
  }
  return true;
}

bool check_children(Pid process, std::span<CheckedResource> rows) {
  ProcReader reader;
  const UniqueFd proc = open_directory(UniqueFd(), "/proc");
  if (!reader.read(proc, ProcPath(number(process), "/stat").c_str(), kStatBytes)) return false;
  for (CheckedResource& row : rows) {
    const auto child = static_cast<std::int32_t>(row.identity);
    const auto text = reader.read(proc, ProcPath(child, "/stat").c_str(), kStatBytes);
    if (!text) {
      row.gone = reader.error() == ENOENT || reader.error() == ESRCH;
      continue;
    }
    const auto stat = parse_stat(*text);
    row.gone = stat && stat->parent != process;
  }
  return true;
}

}  // namespace plumb::detect
