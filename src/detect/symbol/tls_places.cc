// SPDX-License-Identifier: Apache-2.0
// Looking for calls and jumps in the first bytes of functions.
#include "detect/symbol/tls_places.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <span>
#include <vector>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/function_places.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kLookedAt = 96;  // bytes of a function: 75 up to the jump that is wanted
constexpr std::byte kCall{0xe8};       // and where to, from the next instruction on
constexpr std::byte kJump{0xe9};       // the same
constexpr std::size_t kCallSize = 5;

using Code = std::span<const std::byte>;

bool begins(Code code, std::initializer_list<unsigned> with) {
  return code.size() >= with.size() &&
         std::equal(with.begin(), with.end(), code.begin(),
                    [](unsigned want, std::byte is) { return std::byte(want) == is; });
}

bool has(Code code, std::initializer_list<unsigned> bytes) {
  for (; !code.empty(); code = code.subspan(1)) {
    if (begins(code, bytes)) return true;
  }
  return false;
}

// Of 64-bit registers: 50 to 57, or 41 and then these.
bool begins_with_push(Code code) {
  const auto plain = [](std::byte one) { return (one & std::byte{0xf8}) == std::byte{0x50}; };
  if (code.size() < 2) return false;
  return plain(code[0]) || (code[0] == std::byte{0x41} && plain(code[1]));
}

// Where that function may go to. `counts` is asked of each place in its code that looks like it.
template <typename Counts>
std::vector<std::uint64_t> targets(const ImageSource& image, std::uint64_t end,
                                   std::uint64_t function, const Counts& counts) {
  std::vector<std::uint64_t> found;
  std::array<std::byte, kLookedAt> code{};
  const std::size_t size = image.read(function, code);
  for (std::size_t at = 0; at + kCallSize <= size; ++at) {
    if (!counts(code[at], Code(code).first(at))) continue;
    std::int32_t distance = 0;
    std::memcpy(&distance, code.data() + at + 1, sizeof distance);
    const std::uint64_t to =
        function + at + kCallSize + static_cast<std::uint64_t>(std::int64_t{distance});
    std::array<std::byte, 2> first{};
    if (to >= end || image.read(to, first) != first.size()) continue;
    if (begins_with_push(first)) found.push_back(to);
  }
  return found;
}

std::optional<std::uint64_t> first_common(const std::vector<std::uint64_t>& one,
                                          const std::vector<std::uint64_t>& other) {
  const auto found = std::ranges::find_first_of(one, other);
  if (found == one.end()) return std::nullopt;
  return *found;
}

std::optional<TlsPlaces> places_of_openssl(const ImageSource& image, const FunctionPlaces& known) {
  std::vector<std::uint64_t> at;
  for (const char* name : {"SSL_read", "SSL_read_ex", "SSL_write", "SSL_write_ex"}) {
    const auto found = known.offsets.find(name);
    if (found == known.offsets.end()) return std::nullopt;
    at.push_back(found->second);
  }
  const auto read = common_callee(image, known.code_end, at[0], at[1]);
  const auto write = common_callee(image, known.code_end, at[2], at[3]);
  if (!read || !write || *read == *write) return std::nullopt;
  return TlsPlaces{*read, *write};
}

std::optional<TlsPlaces> places_of_gnutls(const ImageSource& image, const FunctionPlaces& known) {
  std::vector<std::uint64_t> at;
  for (const char* name : {"gnutls_record_recv", "gnutls_record_recv_seq", "gnutls_record_send"}) {
    const auto found = known.offsets.find(name);
    if (found == known.offsets.end()) return std::nullopt;
    at.push_back(found->second);
  }
  const auto read = gnutls_receive(image, known.code_end, at[0], at[1]);
  const auto write = gnutls_send(image, at[2]);
  if (!read || !write) return std::nullopt;
  return TlsPlaces{*read, *write};
}

}  // namespace

std::optional<std::uint64_t> common_callee(const ImageSource& image, std::uint64_t end,
                                           std::uint64_t one, std::uint64_t other) {
  const auto calls = [](std::byte code, Code) { return code == kCall; };
  return first_common(targets(image, end, one, calls), targets(image, end, other, calls));
}

std::optional<std::uint64_t> gnutls_receive(const ImageSource& image, std::uint64_t end,
                                            std::uint64_t recv, std::uint64_t recv_seq) {
  const auto passes_on = [](std::byte code, Code before) {
    constexpr std::size_t kNear = 24;
    if (code != kCall && code != kJump) return false;
    const Code near = before.last(std::min(before.size(), kNear));
    return has(near, {0xbe, 0x17, 0, 0, 0}) &&  // mov esi, 23
           has(near, {0x48, 0x89, 0xf2});       // mov rdx, rsi
  };
  return first_common(targets(image, end, recv, passes_on),
                      targets(image, end, recv_seq, passes_on));
}

std::optional<std::uint64_t> gnutls_send(const ImageSource& image, std::uint64_t send) {
  std::array<std::byte, 16> code{};
  Code rest = Code(code).first(image.read(send, code));
  for (;;) {
    if (begins(rest, {0xe9})) return send + static_cast<std::uint64_t>(rest.data() - code.data());
    // xor ecx, ecx; xor r8d, r8d
    const std::size_t zero = begins(rest, {0x31, 0xc9})         ? 2
                             : begins(rest, {0x45, 0x31, 0xc0}) ? 3
                                                                : 0;
    if (zero == 0) return std::nullopt;
    rest = rest.subspan(zero);
  }
}

std::optional<TlsPlaces> find_tls_places(const std::string& path) {
  const auto image = FileImage::open(path);
  if (!image) return std::nullopt;
  const auto elf = ElfImage::parse(**image);
  if (!elf) return std::nullopt;
  const std::array<std::string, 7> names = {"SSL_read",           "SSL_read_ex",
                                            "SSL_write",          "SSL_write_ex",
                                            "gnutls_record_recv", "gnutls_record_recv_seq",
                                            "gnutls_record_send"};
  const FunctionPlaces known = find_functions(**image, *elf, names);
  const auto openssl = places_of_openssl(**image, known);
  return openssl ? openssl : places_of_gnutls(**image, known);
}

}  // namespace plumb::detect
