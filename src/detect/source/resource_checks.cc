// SPDX-License-Identifier: Apache-2.0
// The table of the checks.
#include "detect/source/resource_checks.h"

#include <algorithm>
#include <array>

#include "detect/source/kind_mapping.h"
#include "detect/source/kind_process.h"

namespace plumb::detect {
namespace {

struct Row {
  Kind kind;
  ResourceCheck check;
};

constexpr std::array kChecks = {
    Row{Kind::kMapping, check_mappings},
    Row{Kind::kChild, check_children},
};

}  // namespace

ResourceCheck check_of(Kind kind) {
  const auto row = std::ranges::find(kChecks, kind, &Row::kind);
  return row == kChecks.end() ? nullptr : row->check;
}

}  // namespace plumb::detect
