// SPDX-License-Identifier: Apache-2.0
// Bounded reading and taking apart of text.
#include "plumb/base/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace plumb {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

Result<std::string> read_all(const UniqueFd& file, const std::string& path, std::size_t limit) {
  std::string text;
  while (text.size() < limit) {
    const std::size_t had = text.size();
    text.resize(std::min(limit, std::max<std::size_t>(4096, had * 2)));
    const ssize_t got = ::read(file.get(), text.data() + had, text.size() - had);
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("read", path, errno);
    if (got == 0) break;
  }
  return text;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view take_until(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const auto word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  return word;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  auto file = UniqueFd::open(path, O_RDONLY);
  if (!file) return std::move(file).error();
  return read_all(*file, path, limit);
}

Result<std::string> read_file_at(const UniqueFd& directory, const std::string& path,
                                 std::size_t limit) {
  auto file = UniqueFd::open_at(directory, path, O_RDONLY);
  if (!file) return std::move(file).error();
  return read_all(*file, path, limit);
}

}  // namespace plumb
