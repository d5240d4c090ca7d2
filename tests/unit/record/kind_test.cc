// SPDX-License-Identifier: Apache-2.0
#include "detect/record/kind.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(Kind, NamesAndKindsAreOneToOne) {
  std::size_t index = 0;
  for (const Kind kind : all_kinds()) {
    EXPECT_EQ(static_cast<std::size_t>(kind), index++) << name_of(kind);
    EXPECT_EQ(kind_named(name_of(kind)), kind);
  }
  EXPECT_EQ(kind_named("TCP"), std::nullopt);
}

}  // namespace
}  // namespace plumb::detect
