// SPDX-License-Identifier: Apache-2.0
#include "detect/model/sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/survey_builder.h"

namespace plumb::detect {
namespace {

using testing::ElementsAre;

TEST(Sharing, ListsEveryDescriptorOfAnOpenFile) {
  SurveyBuilder b;
  b.process(10, "master");
  b.row(6, Kind::kTcp, 0xffff1);
  b.row(7, Kind::kFile, 0xffff2);
  b.process(11, "worker");
  b.row(6, Kind::kTcp, 0xffff1);
  const Sharing sharing(b.survey);
  EXPECT_THAT(sharing.holders_of(DescriptorIndex{2}),
              ElementsAre(DescriptorIndex{0}, DescriptorIndex{2}));
  EXPECT_THAT(sharing.holders_of(DescriptorIndex{1}), ElementsAre(DescriptorIndex{1}));
  EXPECT_EQ(sharing.files(), 2u);
}

TEST(Sharing, NumbersOpenFilesFromOneInTheOrderOfTheSurvey) {
  SurveyBuilder b;
  b.process(10, "master");
  b.row(6, Kind::kTcp, 0xffff9);
  b.row(7, Kind::kFile, 0xffff2);
  b.row(8, Kind::kTcp, 0xffff9);
  b.row(9, Kind::kUnreadable).file.reset();
  const Sharing sharing(b.survey);
  EXPECT_EQ(sharing.file_number(DescriptorIndex{0}), 1u);
  EXPECT_EQ(sharing.file_number(DescriptorIndex{1}), 2u);
  EXPECT_EQ(sharing.file_number(DescriptorIndex{2}), 1u);
  EXPECT_EQ(sharing.file_number(DescriptorIndex{3}), std::nullopt);
  EXPECT_TRUE(sharing.holders_of(DescriptorIndex{3}).empty());
}

}  // namespace
}  // namespace plumb::detect
