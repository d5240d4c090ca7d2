// SPDX-License-Identifier: Apache-2.0
// Keeping and telling.
#include "roster.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace plumb::factory {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\u00{:02x}", byte);
    } else {
      out.append(1, c);
    }
  }
  return out + '"';
}

int Roster::keep(UniqueFd descriptor, std::string_view kind, std::string_view what) {
  const int fd = descriptor.get();
  kept_.push_back(std::move(descriptor));
  rows_.push_back({.fd = fd, .kind = std::string(kind), .what = std::string(what)});
  return fd;
}

int Roster::keep_or_refuse(int answer, std::string_view kind, std::string_view what) {
  if (answer >= 0) return keep(UniqueFd(answer), kind, what);
  refuse(kind, what, errno);
  return -1;
}

void Roster::refuse(std::string_view kind, std::string_view what, int error) {
  rows_.push_back({.kind = std::string(kind), .what = std::string(what), .error = error});
}

Roster::Row* Roster::row_of(int fd) {
  const auto row =
      std::find_if(rows_.begin(), rows_.end(), [fd](const Row& r) { return r.fd == fd; });
  return fd < 0 || row == rows_.end() ? nullptr : &*row;
}

void Roster::join(int one, int other) {
  if (auto* row = row_of(one)) row->end = other;
  if (auto* row = row_of(other)) row->end = one;
}

void Roster::share(int one, int other) {
  if (auto* row = row_of(one)) row->shared = other;
  if (auto* row = row_of(other)) row->shared = one;
}

void Roster::print() const {
  fmt::print("{{\"pid\":{}}}\n", ::getpid());
  for (const auto& row : rows_) {
    fmt::print("{{\"kind\":{},\"what\":{}", quoted(row.kind), quoted(row.what));
    if (row.error != 0) {
      fmt::print(",\"errno\":{},\"error\":{}}}\n", row.error, quoted(std::strerror(row.error)));
      continue;
    }
    fmt::print(",\"fd\":{}", row.fd);
    if (row.end >= 0) fmt::print(",\"end\":{}", row.end);
    if (row.shared >= 0) fmt::print(",\"shared\":{}", row.shared);
    fmt::print("}}\n");
  }
  fmt::print("{{\"ready\":true}}\n");
  std::fflush(stdout);
}

}  // namespace plumb::factory
