// SPDX-License-Identifier: Apache-2.0
// Names of functions as their authors wrote them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace plumb::detect {

// Longer symbols are printed as they are: demanglers need time and space that grow faster than
// their input, and the input is a stranger's.
constexpr std::size_t kLongestMangled = 4096;
constexpr std::size_t kLongestDemangled = 16384;

// The readable form of any symbol: C++ (Itanium ABI), Rust legacy and v0; versions (name@GLIBC_2.2)
// and compiler suffixes (.cold, .part.0) as they are, but for .lto_priv.0, which says nothing. What
// is not mangled, or not understood, comes back unchanged. NAME@plt keeps its suffix.
std::string demangle(std::string_view symbol);

// Rust's legacy scheme, _ZN…17h<16 hexadecimal digits>E: the path without the hash, with $LT$ and
// the like decoded. Nothing for C++ names, which look alike but have no hash.
std::optional<std::string> demangle_rust_legacy(std::string_view symbol);

// Rust's v0 scheme, _R… (Rust RFC 2603), without hashes and crate ids. Nothing where the name is
// not wholly understood.
std::optional<std::string> demangle_rust_v0(std::string_view symbol);

}  // namespace plumb::detect
