// SPDX-License-Identifier: Apache-2.0
// A perf map that is asked while its compiler writes it.
#include "detect/symbol/jit_names.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace plumb::detect {
namespace {

// The map of this process lies where the test says.
class MapAccess : public ProcAccess {
 public:
  explicit MapAccess(std::filesystem::path map) : map_(std::move(map)) {}
  Result<std::unique_ptr<FileImage>> file(Pid, const std::string& path) const override {
    EXPECT_EQ(path, "/tmp/perf-" + std::to_string(::getpid()) + ".map");
    return FileImage::open(map_);
  }

 private:
  std::filesystem::path map_;
};

class JitNamesTest : public testing::Test {
 protected:
  JitNamesTest() : access_(folder_ / "map") {}
  ~JitNamesTest() override { std::filesystem::remove_all(folder_); }

  void write(std::string_view text, std::ios::openmode mode = std::ios::app) {
    std::ofstream(folder_ / "map", mode) << text;
  }
  std::string name(std::uint64_t address) {
    const auto found = names_.find(access_, Address{address});
    return found ? std::string(found->name) : "-";
  }
  // What a process without its map has is asked for again after a pause.
  std::string name_in_the_end(std::uint64_t address, const std::string& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (name(address) != wanted && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return name(address);
  }

  std::filesystem::path folder_ = [] {
    std::string name = testing::TempDir() + "plumb-jit-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  MapAccess access_;
  JitNames names_{Pid{::getpid()}};
};

TEST_F(JitNamesTest, CodeThatWasJustWrittenHasItsName) {
  write("1000 10 first\n");
  EXPECT_EQ(name(0x1000), "first");
  EXPECT_EQ(name(0x2000), "-");
  write("2000 10 second\n");
  EXPECT_EQ(name(0x2000), "second");
  EXPECT_EQ(name(0x1000), "first");
}

TEST_F(JitNamesTest, ReusedMemoryHasItsNewName) {
  write("1000 10 old\n");
  EXPECT_EQ(name(0x1000), "old");
  write("1000 20 new\n");
  EXPECT_EQ(name(0x1000), "new");
}

TEST_F(JitNamesTest, ALineInTheWritingWaitsForItsEnd) {
  write("1000 10 first\n2000 10 sec");
  EXPECT_EQ(name(0x1000), "first");
  EXPECT_EQ(name(0x2000), "-");
  write("ond\n");
  EXPECT_EQ(name(0x2000), "second");
}

TEST_F(JitNamesTest, AMapThatComesLaterIsFound) {
  EXPECT_EQ(name(0x1000), "-");
  write("1000 10 late\n");
  EXPECT_EQ(name_in_the_end(0x1000, "late"), "late");
}

TEST_F(JitNamesTest, AMapThatIsWrittenAnewReplacesTheOld) {
  write("1000 10 first\n2000 10 second\n");
  EXPECT_EQ(name(0x2000), "second");
  write("3000 10 anew\n", std::ios::trunc);
  EXPECT_EQ(name_in_the_end(0x3000, "anew"), "anew");
  EXPECT_EQ(name(0x2000), "-");
}

TEST_F(JitNamesTest, ARemovedMapStillServesUntilThereIsAnother) {
  write("1000 10 first\n");
  EXPECT_EQ(name(0x1000), "first");
  std::filesystem::remove(folder_ / "map");
  EXPECT_EQ(name(0x1000), "first");
  write("1000 10 other\n");
  EXPECT_EQ(name_in_the_end(0x1000, "other"), "other");
}

TEST_F(JitNamesTest, AMapOfManyPiecesIsReadWhole) {
  std::string text;
  for (unsigned i = 0; i < 60'000; ++i) {
    text += std::to_string(100'000 + i) + " 1 function_with_a_name_of_some_length_" +
            std::to_string(i) + "\n";
  }
  ASSERT_GT(text.size(), 2U << 20U);
  write(text);
  EXPECT_EQ(name(0x159'999), "function_with_a_name_of_some_length_59999");
}

}  // namespace
}  // namespace plumb::detect
