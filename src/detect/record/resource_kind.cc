// SPDX-License-Identifier: Apache-2.0
// The kinds that are no descriptors.
#include "detect/record/resource_kind.h"

#include <algorithm>
#include <array>

namespace plumb::detect {
namespace {

constexpr std::array kKinds = {
    ResourceKind{Kind::kMapping, "mapping", IdentityForm::kAddress, true},
    ResourceKind{Kind::kHeap, "heap", IdentityForm::kAddress, true},
    ResourceKind{Kind::kThread, "thread", IdentityForm::kThread, false},
    ResourceKind{Kind::kChild, "child", IdentityForm::kProcess, false},
    ResourceKind{Kind::kPair, "pair", IdentityForm::kAddress, false},
    ResourceKind{Kind::kProbe, "probe", IdentityForm::kAddress, false},
};

}  // namespace

std::span<const ResourceKind> resource_kinds() {
  return kKinds;
}

Kind family_of(Kind kind) {
  if (kind >= Kind::kProbe) return Kind::kProbe;
  return kind >= Kind::kPair ? Kind::kPair : kind;
}

const ResourceKind* resource_kind(Kind kind) {
  const auto row = std::ranges::find(kKinds, family_of(kind), &ResourceKind::kind);
  return row == kKinds.end() ? nullptr : &*row;
}

std::optional<Kind> resource_named(std::string_view name) {
  const auto row = std::ranges::find(kKinds, name, &ResourceKind::name);
  if (row == kKinds.end()) return std::nullopt;
  return row->kind;
}

}  // namespace plumb::detect
