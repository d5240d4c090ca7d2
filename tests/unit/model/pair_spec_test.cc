// SPDX-License-Identifier: Apache-2.0
// Reading pairs: every form, every mistake, and the ready list.
#include "detect/model/pair_spec.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "detect/model/ready_pairs.h"

namespace plumb::detect {
namespace {

TEST(PairSpec, BareFunctionsReturnAndTake) {
  const auto pair = parse_pair("conn=libpq.so.5:PQconnectdb,PQfinish");
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->name, "conn");
  EXPECT_EQ(pair->file, "libpq.so.5");
  EXPECT_EQ(pair->acquires, std::vector{(PairFunction{"PQconnectdb", PairForm::kReturned})});
  EXPECT_EQ(pair->releases, std::vector{(PairFunction{"PQfinish", PairForm::kArgument})});
}

TEST(PairSpec, EveryForm) {
  const auto pair = parse_pair(" a.b-c_1 = /opt/x.so : f@2 | g@3! | h*4 | i*1+56 , j@2!|k*1+8 ");
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->file, "/opt/x.so");
  const std::vector<PairFunction> acquires{{"f", PairForm::kArgument, 2},
                                           {"g", PairForm::kIfZero, 3},
                                           {"h", PairForm::kPointedTo, 4},
                                           {"i", PairForm::kPointedTo, 1, 56}};
  EXPECT_EQ(pair->acquires, acquires);
  const std::vector<PairFunction> releases{{"j", PairForm::kIfZero, 2},
                                           {"k", PairForm::kPointedTo, 1, 8}};
  EXPECT_EQ(pair->releases, releases);
}

TEST(PairSpec, MistakesAreNamed) {
  for (const char* text : {"", "x", "x=", "=l:f,g", "x=l", "x=l:f", "x=l:,g", "x=l:f,", "x y=l:f,g",
                           "x=l:f@0,g", "x=l:f@7,g", "x=l:f@,g", "x=l:f*1+3,g", "x=l:f*1+9000,g",
                           "x=l:f*1+,g", "x=l:f||g,h", "x=l:@1,g", "\x1b[2J=l:f,g"}) {
    const auto pair = parse_pair(text);
    ASSERT_FALSE(pair) << text;
    EXPECT_EQ(pair.error().code, EINVAL);
  }
  std::string many = "x=l:f";
  for (int i = 0; i < 40; ++i) many += "|f";
  EXPECT_FALSE(parse_pair(many + ",g"));
  EXPECT_FALSE(parse_pair(std::string(1000, 'n') + "=l:f,g"));
}

TEST(PairSpec, AListLeavesOutWhatIsNone) {
  const auto pairs = parse_pairs("# a list\n\n a=l:f,g \n\tb=l:f,g\n");
  ASSERT_TRUE(pairs);
  ASSERT_EQ(pairs->size(), 2U);
  EXPECT_EQ((*pairs)[1].name, "b");
  EXPECT_FALSE(parse_pairs("a=l:f,g\nnonsense\n"));
}

TEST(ReadyPairs, AreAllReadAndHaveNamesOfTheirOwn) {
  const auto all = parse_pairs(ready_list());
  ASSERT_TRUE(all);
  std::set<std::string> names;
  for (const Pair& pair : *all) {
    EXPECT_TRUE(names.insert(pair.name).second) << pair.name;
    EXPECT_EQ(ready_pairs(pair.name), std::vector{pair});
  }
  std::size_t by_library = 0;
  for (const std::string_view library : ready_libraries())
    by_library += ready_pairs(library).size();
  EXPECT_EQ(by_library, all->size());
  EXPECT_LE(all->size(), kMostPairs);
  EXPECT_TRUE(ready_pairs("nothing").empty());
  EXPECT_TRUE(ready_pairs("").empty());
}

}  // namespace
}  // namespace plumb::detect
