// SPDX-License-Identifier: Apache-2.0
#include "detect/report/column_widths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

using testing::ElementsAre;

TEST(ShareWidth, GivesEverybodyAllWhereThereIsRoom) {
  EXPECT_THAT(share_width({{false, 4, 4}, {true, 20, 50}, {true, 10, 10}}, 100, 2),
              ElementsAre(4, 50, 10));
}

TEST(ShareWidth, ServesTheModestFirst) {
  EXPECT_THAT(share_width({{false, 4, 4}, {true, 60, 60}, {true, 10, 10}}, 50, 2),
              ElementsAre(4, 32, 10));
  EXPECT_THAT(share_width({{true, 60, 60}, {true, 60, 60}}, 42, 2), ElementsAre(20, 20));
}

TEST(ShareWidth, LetsOneMonsterTakeOnlyWhatIsLeft) {
  EXPECT_THAT(share_width({{true, 20, 4096}, {true, 22, 30}}, 60, 2), ElementsAre(36, 22));
}

TEST(ShareWidth, LeavesSomethingOfEachOnNarrowPaper) {
  EXPECT_THAT(share_width({{false, 30, 30}, {true, 60, 60}, {true, 60, 60}}, 20, 2),
              ElementsAre(30, 8, 8));
  EXPECT_THAT(share_width({}, 20, 2), ElementsAre());
}

}  // namespace
}  // namespace plumb::detect
