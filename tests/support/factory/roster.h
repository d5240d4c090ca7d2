// SPDX-License-Identifier: Apache-2.0
// Roster: what the factory opened, kept open, and told about: one JSON object a line, so that a
// test knows what a survey must say about each number.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/unique_fd.h"

namespace plumb::factory {

// Threads: none. Everything stays open as long as the roster lives.
class Roster {
 public:
  // Keeps the descriptor and returns its number. `kind` is a name of detect/record/kind.h, `what`
  // tells rows of one kind apart ("listener").
  int keep(UniqueFd descriptor, std::string_view kind, std::string_view what);
  // As keep(), for the answer of a system call that has no wrapper: refused with errno where it is
  // negative. Returns the number or -1.
  int keep_or_refuse(int answer, std::string_view kind, std::string_view what);
  // Says that the two numbers are each other's other end.
  void join(int one, int other);
  // Says that both numbers are one open file.
  void share(int one, int other);
  // Says what cannot be had here.
  void refuse(std::string_view kind, std::string_view what, int error);
  // Prints the rows, and the line that says that all is open.
  void print() const;

 private:
  struct Row {
    int fd = -1;
    std::string kind;
    std::string what;
    int end = -1;     // this process's descriptor at the other end
    int shared = -1;  // this process's descriptor of the same open file
    int error = 0;
  };
  Row* row_of(int fd);

  std::vector<UniqueFd> kept_;
  std::vector<Row> rows_;
};

// "…" as a JSON string; every byte that is not printable ASCII as \u00XX.
std::string quoted(std::string_view text);

}  // namespace plumb::factory
