// SPDX-License-Identifier: Apache-2.0
// Paths below /proc, and the reader on directories of the test's own.
#include "detect/source/proc_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace plumb::detect {
namespace {

class Folder {
 public:
  Folder() {
    path_ = (std::filesystem::temp_directory_path() / "plumb-reader-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_);
    descriptor_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void file(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }
  const std::string& path() const { return path_; }
  const UniqueFd& descriptor() const { return descriptor_; }

 private:
  std::string path_;
  UniqueFd descriptor_;
};

TEST(ProcPath, JoinsNumbersAndNames) {
  EXPECT_STREQ(ProcPath(812).c_str(), "812");
  EXPECT_STREQ(ProcPath(812, "/ns/net").c_str(), "812/ns/net");
  EXPECT_STREQ(ProcPath("task/", 7, "/stat").c_str(), "task/7/stat");
}

TEST(ProcPath, IsCutAtItsBound) {
  EXPECT_EQ(std::string(ProcPath(1, std::string(200, 'x')).c_str()).size(), 63u);
}

TEST(ProcReader, ReadsToTheEndOrTheLimit) {
  const Folder folder;
  const std::string text(20'000, 'a');
  folder.file("long", text);
  folder.file("empty", "");
  ProcReader reader;
  EXPECT_EQ(reader.read(folder.descriptor(), "long", 1 << 20), text);
  EXPECT_EQ(reader.read(folder.descriptor(), "long", 100), text.substr(0, 100));
  EXPECT_EQ(reader.read(folder.descriptor(), "empty", 100), "");
  EXPECT_EQ(reader.read(folder.descriptor(), "long", 1 << 20, ProcReader::Short::kIsTheEnd), text);
}

TEST(ProcReader, SaysWhyItCannot) {
  const Folder folder;
  ProcReader reader;
  EXPECT_FALSE(reader.read(folder.descriptor(), "none", 100).has_value());
  EXPECT_EQ(reader.error(), ENOENT);
  EXPECT_FALSE(reader.link(folder.descriptor(), ".").has_value());
  EXPECT_EQ(reader.error(), EINVAL);
}

TEST(ProcReader, ListsNumbersAlone) {
  const Folder folder;
  for (const char* name : {"12", "3", "self", "4x", "100", "99999999999"}) folder.file(name, "");
  ProcReader reader;
  std::vector<std::int32_t> numbers = {7};
  EXPECT_TRUE(reader.list(folder.descriptor(), numbers));
  EXPECT_EQ(numbers, (std::vector<std::int32_t>{3, 12, 100}));
}

TEST(ProcReader, ListsMoreThanOneBufferHolds) {
  const Folder folder;
  // 24 bytes an entry: 2,731 fill the buffer of 64 KiB
  constexpr int kEntries = 3000;
  folder.file("1", "");
  for (int i = 2; i <= kEntries; ++i) {
    ASSERT_EQ(::linkat(folder.descriptor().get(), "1", folder.descriptor().get(),
                       std::to_string(i).c_str(), 0),
              0);
  }
  ProcReader reader;
  std::vector<std::int32_t> numbers;
  EXPECT_TRUE(reader.list(folder.descriptor(), numbers));
  ASSERT_EQ(numbers.size(), std::size_t{kEntries});
  EXPECT_EQ(numbers.back(), kEntries);
}

}  // namespace
}  // namespace plumb::detect
