// SPDX-License-Identifier: Apache-2.0
// The part of the kernel's type information (BTF) that a BPF object needs. libbpf looks through all
// 130,000 types of a kernel once for each type that an object names: 90 ms for the survey's 45
// types. One pass over the same bytes that keeps only those types takes 2 ms, and libbpf then
// relocates against a table of a few kilobytes. The functions that iterators hang on are found in
// the same pass.
//
// Format: Documentation/bpf/btf.rst, include/uapi/linux/btf.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"

namespace plumb::detect {

// What an object asks for. A name with a flavour ("mm_struct___before_6_2") counts without it.
struct WantedTypes {
  std::set<std::string, std::less<>> types;    // structs, unions, enums, typedefs
  std::set<std::string, std::less<>> members;  // of structs and unions
  std::set<std::string, std::less<>> functions{};
};

// What there is of it.
struct ReducedTypes {
  std::vector<std::byte> btf;
  std::map<std::string, std::uint32_t, std::less<>> functions;  // ids in the kernel's own BTF
};

// Reads the names of types and members out of an object's own BTF. Empty where it does not parse.
std::optional<WantedTypes> wanted_types(std::span<const std::byte> object_btf);

// The types of `kernel_btf` that are wanted, all of the same name where there are several, with
// their sizes, and of their members the wanted ones at their offsets; pointers lead to void. Pure;
// reads nothing outside of the bytes. Empty where they do not parse.
std::optional<ReducedTypes> reduced_types(std::span<const std::byte> kernel_btf,
                                          const WantedTypes& wanted);

// The running kernel's. Errors: ENOENT without BTF, EINVAL where it does not parse.
Result<ReducedTypes> reduced_kernel_types(const WantedTypes& wanted);

}  // namespace plumb::detect
