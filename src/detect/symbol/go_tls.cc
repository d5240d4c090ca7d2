// SPDX-License-Identifier: Apache-2.0
// Looking up two functions and reading their code.
#include "detect/symbol/go_tls.h"

#include <algorithm>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/go_binary.h"
#include "detect/symbol/go_probe_place.h"
#include "detect/symbol/image.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kLongestFunction = 64U << 10U;
constexpr std::byte kReturn{0xc3};

struct Code {
  GoTable::Function function;
  std::uint64_t offset = 0;  // in the file
  std::vector<std::byte> bytes;
};

std::optional<Code> code_of(const GoTable& table, const ElfImage& elf, const ImageSource& image,
                            std::string_view name) {
  const auto function = table.find_named(name);
  if (!function || function->end <= function->entry) return std::nullopt;
  const auto offset = elf.offset_of(function->entry);
  if (!offset) return std::nullopt;
  const std::uint64_t size = number(function->end) - number(function->entry);
  Code code{*function, *offset, std::vector<std::byte>(std::min(size, kLongestFunction))};
  if (image.read(*offset, code.bytes) != code.bytes.size()) return std::nullopt;
  return code;
}

}  // namespace

std::vector<std::uint64_t> go_returns(const GoTable& table, const GoTable::Function& function,
                                      std::span<const std::byte> code) {
  std::vector<std::uint64_t> found;
  bool above = false;
  for (std::uint64_t at = 0; at < code.size(); ++at) {
    const auto height = table.height(function, ElfAddress{number(function.entry) + at});
    if (!height) break;  // the padding
    if (*height == 0 && above && code[at] == kReturn) found.push_back(at);
    above = *height != 0;
  }
  return found;
}

std::optional<GoTlsPlaces> find_go_tls(const std::string& path) {
  const auto image = FileImage::open(path);
  if (!image) return std::nullopt;
  const auto elf = ElfImage::parse(**image);
  if (!elf) return std::nullopt;
  const auto table = find_go_table(**image, *elf);
  if (!table) return std::nullopt;
  const auto write = code_of(*table, *elf, **image, "crypto/tls.(*Conn).Write");
  const auto read = code_of(*table, *elf, **image, "crypto/tls.(*Conn).Read");
  if (!write || !read) return std::nullopt;
  // Until 1.16 the arguments were on the stack, and this check was written in another way.
  const std::uint64_t written = go_probe_place(write->bytes);
  const std::uint64_t asked = go_probe_place(read->bytes);
  const auto returns = go_returns(*table, read->function, read->bytes);
  if (written == 0 || asked == 0 || returns.empty()) return std::nullopt;
  GoTlsPlaces places{write->offset + written, read->offset + asked, 0, {}};
  const auto copy = table->find_named("runtime.memmove");
  const auto copies =
      copy ? go_calls(read->function, read->bytes, copy->entry) : std::vector<std::uint64_t>();
  if (copies.size() == 1) {
    places.copied = read->offset + copies.front();
    return places;
  }
  for (const std::uint64_t at : returns) places.reads.push_back(read->offset + at);
  return places;
}

}  // namespace plumb::detect
