// SPDX-License-Identifier: Apache-2.0
// The table of the kinds that are no descriptors: what is acquired and must be released, and by
// what each one is known. To add a kind: a row here, and a file kind_NAME.h beside the tracing
// programs whose programs are called NAME__…; where the kernel can be asked what is still there,
// also a row in source/resource_checks.cc.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "detect/record/kind.h"

namespace plumb::detect {

// What the identity of a holding is, which reports print beside the number.
enum class IdentityForm : std::uint8_t { kAddress, kThread, kProcess };

struct ResourceKind {
  Kind kind{};
  std::string_view name;
  IdentityForm identity{};
  bool sized = false;  // its holdings have bytes
};

std::span<const ResourceKind> resource_kinds();
// kPair of every pair, kProbe of every kind that a program tells of, else the kind itself.
Kind family_of(Kind kind);
// Null for a kind of descriptor.
const ResourceKind* resource_kind(Kind kind);
// By its name.
std::optional<Kind> resource_named(std::string_view name);

}  // namespace plumb::detect
