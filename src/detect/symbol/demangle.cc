// SPDX-License-Identifier: Apache-2.0
// Choosing the demangler, and C++ through the compiler's own.
#include "detect/symbol/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace plumb::detect {
namespace {

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};

// Back-references make names that grow exponentially when written out: each S_ or T_ may repeat all
// that came before it. Names with very many of them are left as they are.
bool may_explode(std::string_view symbol) {
  constexpr std::size_t kMostReferences = 256;
  std::size_t references = 0;
  for (std::size_t at = 1; at < symbol.size(); ++at) {
    const bool reference = (symbol[at - 1] == 'S' || symbol[at - 1] == 'T') &&
                           (symbol[at] == '_' || (symbol[at] >= '0' && symbol[at] <= '9') ||
                            (symbol[at] >= 'A' && symbol[at] <= 'Z'));
    if (reference && ++references > kMostReferences) return true;
  }
  return false;
}

std::optional<std::string> demangle_cxx(std::string_view symbol) {
  if (may_explode(symbol)) return std::nullopt;
  int status = 0;
  const std::string terminated(symbol);
  const std::unique_ptr<char, Free> text(
      abi::__cxa_demangle(terminated.c_str(), nullptr, nullptr, &status));
  if (status != 0 || !text) return std::nullopt;
  std::string demangled(text.get());
  if (demangled.size() > kLongestDemangled) return std::nullopt;
  return demangled;
}

std::optional<std::string> demangle_any(std::string_view symbol) {
  if (symbol.starts_with("_R")) return demangle_rust_v0(symbol);
  if (!symbol.starts_with("_Z")) return std::nullopt;
  if (auto rust = demangle_rust_legacy(symbol)) return rust;
  return demangle_cxx(symbol);
}

// What compilers add to the name of a function that they have split, specialised or moved to
// another file: the source knows it by the name before.
std::string_view without_clone(std::string_view symbol) {
  for (const std::string_view clone :
       {".lto_priv.", ".constprop.", ".isra.", ".part.", ".cold", ".llvm."}) {
    const auto at = symbol.find(clone);
    if (at != std::string_view::npos && at > 0) symbol = symbol.substr(0, at);
  }
  return symbol;
}

}  // namespace

std::string demangle(std::string_view symbol) {
  symbol = without_clone(symbol);
  if (symbol.size() > kLongestMangled) return std::string(symbol);
  // Versions and "@plt" are no part of the mangled name.
  const std::size_t at = symbol.find('@');
  const std::string_view base = symbol.substr(0, at);
  const std::string_view suffix = at == std::string_view::npos ? "" : symbol.substr(at);
  auto readable = demangle_any(base);
  if (!readable) return std::string(symbol);
  return std::move(*readable) + std::string(suffix);
}

}  // namespace plumb::detect
