// SPDX-License-Identifier: Apache-2.0
// Asking /proc for children.
#include "detect/source/kind_process.h"

#include <cerrno>

#include "detect/source/proc_reader.h"
#include "detect/source/process_files.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kStatBytes = 4096;

}  // namespace

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
