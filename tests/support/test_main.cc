// SPDX-License-Identifier: Apache-2.0
// The main of every test program: each test must leave as many descriptors open as it found.
#include <dirent.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

std::vector<std::string> open_descriptors() {
  std::vector<std::string> names;
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return names;
  const std::string own = std::to_string(::dirfd(directory));
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.' && own != entry->d_name) names.emplace_back(entry->d_name);
  }
  ::closedir(directory);
  return names;
}

class DescriptorCensus : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { before_ = open_descriptors(); }
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_EQ(before_, open_descriptors())
        << "the test left a descriptor open, or closed a stranger's";
  }
  std::vector<std::string> before_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new DescriptorCensus);  // gtest owns it
  return RUN_ALL_TESTS();
}
