// SPDX-License-Identifier: Apache-2.0
// The factory of descriptors that the tests and benchmarks look at; installed nowhere.
//   plumb_factory              every kind once, one JSON line each
//   plumb_factory --load N     N descriptors: sockets, pipes and files
//   plumb_factory --editor N   a program that leaks N children
//   plumb_factory --hostile    names that try to forge lines
// Each prints {"ready":true} when all is open, and holds it until its stdin ends.
#include <cstdio>
#include <optional>
#include <string_view>

#include "modes.h"
#include "plumb/base/text.h"

namespace {

int usage() {
  std::fputs("usage: plumb_factory [--load N | --editor N | --hostile]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace plumb::factory;
  const std::string_view own_name = argc > 0 ? argv[0] : "";
  // The modes start this program again under the names of those that they play.
  if (own_name == "curl") return play_curl();
  if (own_name == "hostile" && argc == 2) return play_hostile_child(argv[1]);
  if (argc == 1) return play_kinds();
  const std::string_view mode = argv[1];
  if (mode == "--hostile" && argc == 2) return play_hostile();
  const auto count = argc == 3 ? plumb::parse_number<std::size_t>(argv[2]) : std::nullopt;
  if (!count) return usage();
  if (mode == "--load") return play_load(*count);
  if (mode == "--editor") return play_editor(*count);
  return usage();
}
