// SPDX-License-Identifier: Apache-2.0
// The table of the kinds that are no descriptors.
#include "detect/record/resource_kind.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(ResourceKind, NamesAreFoundAndAreNoDescriptors) {
  for (const ResourceKind& row : resource_kinds()) {
    EXPECT_EQ(resource_named(row.name), row.kind);
    EXPECT_EQ(resource_kind(row.kind), &row);
    EXPECT_EQ(name_of(row.kind), row.name);
    EXPECT_EQ(kind_named(row.name), std::nullopt);
  }
}

TEST(ResourceKind, DescriptorsAreNone) {
  for (const Kind kind : all_kinds()) EXPECT_EQ(resource_kind(kind), nullptr);
  EXPECT_EQ(resource_named("tcp"), std::nullopt);
  EXPECT_EQ(name_of(Kind{63}), "unknown");
}

}  // namespace
}  // namespace plumb::detect
