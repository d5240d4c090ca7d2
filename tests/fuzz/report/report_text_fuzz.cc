// SPDX-License-Identifier: Apache-2.0
// Any bytes as a name: text stays one clean line of the width that it may have, JSON stays JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "detect/report/json_writer.h"
#include "detect/report/terminal.h"
#include "detect/report/utf8.h"

namespace {

using plumb::detect::CodePoint;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_clean(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = plumb::detect::decode_utf8(text);
    check(c.length != 0 && !plumb::detect::is_unprintable(c.value));
    text.remove_prefix(c.length);
  }
}

// One line, valid UTF-8, and no quote that ends the string early.
void check_json(std::string_view line) {
  check(line.ends_with("\"}\n"));
  check_clean(line.substr(0, line.size() - 1));
  constexpr std::string_view kHead = "{\"record\":\"t\",\"schema\":1,\"x\":\"";
  check(line.starts_with(kHead));
  std::string_view text = line.substr(kHead.size(), line.size() - kHead.size() - 3);
  while (!text.empty()) {
    check(text.front() != '"');
    if (text.front() != '\\') {
      text.remove_prefix(1);
      continue;
    }
    check(text.size() >= 2);
    const bool unit = text[1] == 'u';
    check(unit ? text.size() >= 6 : text[1] == '"' || text[1] == '\\');
    text.remove_prefix(unit ? 6 : 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string clean = plumb::detect::clean(bytes);
  check_clean(clean);
  for (const std::size_t width : {0u, 1u, 2u, 9u, 80u}) {
    const std::string cut = plumb::detect::cut_middle(clean, width);
    check_clean(cut);
    check(plumb::detect::cells(cut) <= width);
  }
  plumb::detect::JsonWriter json;
  json.begin("t", 1);
  json.member("x", bytes);
  json.end();
  check_json(json.text());
  return 0;
}
