// SPDX-License-Identifier: Apache-2.0
// Any bytes as a .plumb-allow file, and its first line as a glob: nothing crashes or takes long,
// and what was read fits or does not.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "detect/model/allow_list.h"
#include "plumb/base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  AllowList list;
  const bool whole = list.add_lines(text, "file").ok();
  StackStore stacks;
  Frame frame;
  frame.function = "shop::Log::open(char const*)";
  frame.file = "/src/shop/log.cc";
  frame.module = "/srv/bin/server";
  const std::vector<FrameId> frames = {stacks.intern(frame)};
  Leftover left;
  left.kind = Kind::kFile;
  left.process = "server";
  left.name = "/var/log/shop.log";
  left.stack = stacks.add(frames);
  const auto fits = list.match(left, stacks);
  if (fits && *fits >= list.size()) std::abort();
  if (whole && text.starts_with("*\n") && fits != 0) std::abort();

  std::string_view rest = text;
  const std::string_view glob = plumb::take_until(rest, '\n');
  (void)fits_glob(glob, rest);
  // A text without stars and question marks fits itself.
  if (glob.find_first_of("*?") == std::string_view::npos && !fits_glob(glob, glob)) std::abort();
  return 0;
}
