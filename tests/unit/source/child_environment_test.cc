// SPDX-License-Identifier: Apache-2.0
// The environment of a command.
#include "detect/source/child_environment.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <string_view>

namespace plumb::detect {
namespace {

std::ptrdiff_t count_of(const std::vector<char*>& all, std::string_view setting) {
  return std::count_if(all.begin(), all.end(), [&](const char* one) {
    return one != nullptr && std::string_view(one) == setting;
  });
}

TEST(ChildEnvironment, ASettingReplacesThatOfTheSameNameAlone) {
  ASSERT_EQ(::setenv("PLUMB_TEST_A", "old", 1), 0);
  ASSERT_EQ(::setenv("PLUMB_TEST_AB", "stays", 1), 0);
  const std::vector<std::string> settings = {"PLUMB_TEST_A=new", "PLUMB_TEST_C=also"};
  const auto all = with_settings(settings);
  EXPECT_EQ(count_of(all, "PLUMB_TEST_A=new"), 1);
  EXPECT_EQ(count_of(all, "PLUMB_TEST_A=old"), 0);
  EXPECT_EQ(count_of(all, "PLUMB_TEST_AB=stays"), 1);
  EXPECT_EQ(count_of(all, "PLUMB_TEST_C=also"), 1);
  EXPECT_EQ(all.back(), nullptr);
  ::unsetenv("PLUMB_TEST_A");
  ::unsetenv("PLUMB_TEST_AB");
}

}  // namespace
}  // namespace plumb::detect
