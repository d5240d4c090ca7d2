// SPDX-License-Identifier: Apache-2.0
#include "plumb/jobs/last_runs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;

class LastRunsTest : public testing::Test {
 protected:
  LastRunsTest() {
    std::string name = testing::TempDir() + "/plumb.XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~LastRunsTest() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ / "last"; }

  std::filesystem::path directory_;
};

const LastRuns::Time kThen(std::chrono::seconds(1'700'000'000));

TEST_F(LastRunsTest, OutlivesTheProcess) {
  {
    auto file = LastRunsFile::open(path());
    ASSERT_TRUE(file.ok());
    EXPECT_FALSE(file->last("check images"));
    EXPECT_TRUE(file->ran("check images", kThen).ok());
    EXPECT_TRUE(file->ran("b", kThen + 1h).ok());
    EXPECT_TRUE(file->ran("check images", kThen + 2h).ok());
  }
  const auto file = LastRunsFile::open(path());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->last("check images"), kThen + 2h);
  EXPECT_EQ(file->last("b"), kThen + 1h);
  EXPECT_FALSE(file->last("c"));
  EXPECT_FALSE(std::filesystem::exists(path() + ".new"));
}

TEST_F(LastRunsTest, RefusesALineThatIsNone) {
  for (const char* text : {"x y\n", "12\n", "12 a\n\n13 b\n", " \n"}) {
    std::ofstream(path()) << text;
    const auto file = LastRunsFile::open(path());
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_EQ(file.error().code, EINVAL);
  }
}

TEST_F(LastRunsTest, SaysWhyItCannotBeKept) {
  auto file = LastRunsFile::open(directory_ / "absent" / "last");
  ASSERT_TRUE(file.ok());
  const auto kept = file->ran("a", kThen);
  ASSERT_FALSE(kept.ok());
  EXPECT_EQ(kept.error().code, ENOENT);
  EXPECT_FALSE(LastRunsFile::open(directory_).ok());
}

}  // namespace
}  // namespace plumb::runtime
