// SPDX-License-Identifier: Apache-2.0
#include "plumb/web/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plumb/web/mime.h"
#include "runtime/web/byte_ranges.h"
#include "runtime/web/http_date.h"
#include "web_fixture.h"

namespace plumb::runtime {
namespace {

class FilesTest : public WebTest {
 protected:
  FilesTest() {
    char name[] = "/tmp/plumb-files-XXXXXX";
    root_ = ::mkdtemp(name);
    put("outside", "secret");
    std::filesystem::create_directories(root_ / "www/sub");
    put("www/ten.txt", "0123456789");
    put("www/index.html", "<p>root");
    put("www/sub/index.html", "<p>sub");
    put("www/.hidden", "no");
    put("www/large.bin", std::string(300'000, 'x'));
    put("www/empty", "");
    std::filesystem::create_symlink("../outside", root_ / "www/leads-out");
    std::filesystem::create_symlink("ten.txt", root_ / "www/stays-in");
    ::mkfifo((root_ / "www/fifo").c_str(), 0600);
    auto files = FileRoot::open(root_ / "www");
    EXPECT_TRUE(files.ok()) << files.error().message();
    files_.emplace(*std::move(files));
    routes.get("/f/{path...}", [this](Exchange& exchange) {
      return files_->serve(exchange, exchange.request().parameter("path"));
    });
  }
  ~FilesTest() override { std::filesystem::remove_all(root_); }

  void put(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
  }
  std::string fetch(const std::string& path, const std::string& fields = "") {
    return ask(get("/f/" + path, fields + "Connection: close\r\n"));
  }
  static std::string field(const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 4;
    return answer.substr(begin, answer.find("\r\n", begin) - begin);
  }

 private:
  std::filesystem::path root_;
  std::optional<FileRoot> files_;
};

TEST_F(FilesTest, Whole) {
  const std::string answer = fetch("ten.txt");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(field(answer, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(answer, "Content-Length"), "10");
  EXPECT_EQ(field(answer, "Accept-Ranges"), "bytes");
  EXPECT_EQ(body_of(answer), "0123456789");
  EXPECT_EQ(body_of(fetch("large.bin")), std::string(300'000, 'x'));
  EXPECT_EQ(body_of(fetch("stays-in")), "0123456789");
  EXPECT_TRUE(has_line(fetch("empty"), "Content-Length: 0"));
  const std::string head =
      ask("HEAD /f/large.bin HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(field(head, "Content-Length"), "300000");
  EXPECT_EQ(body_of(head), "");
}

TEST_F(FilesTest, LargeTextIsCompressedOnItsWay) {
  put("www/large.txt", std::string(300'000, 'a'));
  const std::string answer = fetch("large.txt", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(field(answer, "Content-Encoding"), "gzip");
  EXPECT_TRUE(field(answer, "ETag").starts_with("W/"));
  EXPECT_LT(answer.size(), 5'000U);
}

TEST_F(FilesTest, NothingOutsideOfTheRoot) {
  for (const char* path : {"leads-out", "..%2foutside", "sub%2f..%2f..%2foutside", ".hidden",
                           "%2fetc%2fpasswd", "fifo", "none", "ten.txt/x"}) {
    EXPECT_TRUE(fetch(path).starts_with("HTTP/1.1 404 ")) << path;
  }
  EXPECT_TRUE(fetch("../outside").starts_with("HTTP/1.1 400 "));
}

TEST_F(FilesTest, Directories) {
  EXPECT_EQ(body_of(fetch("")), "<p>root");
  EXPECT_EQ(body_of(fetch("sub/")), "<p>sub");
  const std::string moved = fetch("sub");
  EXPECT_TRUE(moved.starts_with("HTTP/1.1 301 "));
  EXPECT_EQ(field(moved, "Location"), "/f/sub/");
}

TEST_F(FilesTest, OneRange) {
  const std::string answer = fetch("ten.txt", "Range: bytes=2-4\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 206 "));
  EXPECT_EQ(field(answer, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(body_of(answer), "234");
  EXPECT_EQ(body_of(fetch("ten.txt", "Range: bytes=-3\r\n")), "789");
  EXPECT_EQ(body_of(fetch("ten.txt", "Range: bytes=8-\r\n")), "89");
  const std::string none = fetch("ten.txt", "Range: bytes=10-\r\n");
  EXPECT_TRUE(none.starts_with("HTTP/1.1 416 "));
  EXPECT_EQ(field(none, "Content-Range"), "bytes */10");
  EXPECT_TRUE(fetch("ten.txt", "Range: lines=1-\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(fetch("ten.txt", "Range: bytes=4-2\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(FilesTest, SeveralRanges) {
  const std::string answer = fetch("ten.txt", "Range: bytes=0-1, 5-6\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 206 "));
  const std::string type = field(answer, "Content-Type");
  ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(31);
  const std::string part = "\r\n--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\n";
  EXPECT_EQ(body_of(answer), part + "Content-Range: bytes 0-1/10\r\n\r\n01" + part +
                                 "Content-Range: bytes 5-6/10\r\n\r\n56\r\n--" + boundary +
                                 "--\r\n");
  EXPECT_EQ(std::to_string(body_of(answer).size()), field(answer, "Content-Length"));
  EXPECT_EQ(body_of(fetch("ten.txt", "Range: bytes=0-4, 3-6\r\n")), "0123456");
}

TEST_F(FilesTest, Conditions) {
  const std::string first = fetch("ten.txt");
  const std::string tag = field(first, "ETag");
  const std::string date = field(first, "Last-Modified");
  ASSERT_FALSE(tag.empty() || date.empty());
  const auto status = [&](const std::string& fields) {
    return fetch("ten.txt", fields).substr(9, 3);
  };
  EXPECT_EQ(status("If-None-Match: " + tag + "\r\n"), "304");
  EXPECT_EQ(status("If-None-Match: \"a\", W/" + tag + "\r\n"), "304");
  EXPECT_EQ(status("If-None-Match: *\r\n"), "304");
  EXPECT_EQ(status("If-None-Match: \"other\"\r\nIf-Modified-Since: " + date + "\r\n"), "200");
  EXPECT_EQ(status("If-Modified-Since: " + date + "\r\n"), "304");
  EXPECT_EQ(status("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "200");
  EXPECT_EQ(status("If-Modified-Since: yesterday\r\n"), "200");
  EXPECT_EQ(status("If-Match: " + tag + "\r\n"), "200");
  EXPECT_EQ(status("If-Match: W/" + tag + "\r\n"), "412");
  EXPECT_EQ(status("If-Match: \"other\"\r\n"), "412");
  EXPECT_EQ(status("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "412");
  EXPECT_EQ(status("Range: bytes=0-1\r\nIf-Range: " + tag + "\r\n"), "206");
  EXPECT_EQ(status("Range: bytes=0-1\r\nIf-Range: W/" + tag + "\r\n"), "200");
  EXPECT_EQ(status("Range: bytes=0-1\r\nIf-Range: \"other\"\r\n"), "200");
  EXPECT_EQ(status("Range: bytes=0-1\r\nIf-Range: " + date + "\r\n"), "206");
  EXPECT_EQ(body_of(fetch("ten.txt", "If-None-Match: *\r\n")), "");
}

TEST(ByteRanges, Table) {
  const auto ranges = [](std::string_view value, std::uint64_t length) {
    return judge_range(value, length).ranges;
  };
  using R = std::vector<ByteRange>;
  EXPECT_EQ(ranges("bytes=0-0", 10), (R{{0, 1}}));
  EXPECT_EQ(ranges("bytes=0-99", 10), (R{{0, 10}}));
  EXPECT_EQ(ranges("bytes=-99", 10), (R{{0, 10}}));
  EXPECT_EQ(ranges("bytes=5-6,0-1", 10), (R{{5, 2}, {0, 2}}));
  EXPECT_EQ(ranges("bytes=0-1,9-,2-3,20-", 10), (R{{9, 1}, {0, 4}}));
  using What = RangeVerdict::What;
  EXPECT_EQ(judge_range("bytes=-0", 10).what, What::kUnsatisfiable);
  EXPECT_EQ(judge_range("bytes=0-", 0).what, What::kUnsatisfiable);
  for (const char* broken : {"", "bytes=", "bytes=a-b", "bytes=5", "bytes=--1", "bytes=1-0",
                             "bytes=99999999999999999999-", "bytes=-"}) {
    EXPECT_EQ(judge_range(broken, 10).what, What::kWhole) << broken;
  }
  std::string many = "bytes=0-0";
  for (int i = 2; i < 40; i += 2) many += "," + std::to_string(i) + "-" + std::to_string(i);
  EXPECT_EQ(judge_range(many, 100).what, What::kWhole);
}

TEST(HttpDate, ThereAndBack) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  for (const char* broken : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
                             "Sun, 36 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                             "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"}) {
    EXPECT_EQ(parse_http_date(broken), std::nullopt) << broken;
  }
}

TEST(MediaType, ByExtension) {
  EXPECT_EQ(media_type_of("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("x.woff2"), "font/woff2");
  EXPECT_EQ(media_type_of("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of("x"), "application/octet-stream");
  EXPECT_EQ(media_type_of("x."), "application/octet-stream");
  EXPECT_EQ(media_type_of("x.averyveryverylongone"), "application/octet-stream");
}

}  // namespace
}  // namespace plumb::runtime
