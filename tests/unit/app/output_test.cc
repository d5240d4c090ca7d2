// SPDX-License-Identifier: Apache-2.0
#include "app/cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include "plumb/base/unique_fd.h"

namespace plumb::app {
namespace {

std::string drain(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

TEST(Output, ArrivesWholeAndInOrder) {
  auto [reader, writer] = UniqueFd::pipe().value();
  std::string expected;
  std::string got;
  std::thread reading([&, fd = reader.get()] { got = drain(fd); });
  Output out(writer.get());
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i * 37 % 5000),
                            static_cast<char>('a' + i % 26));
    expected += piece;
    EXPECT_TRUE(out.write(piece));
  }
  EXPECT_TRUE(out.finish().ok());
  writer.reset();
  reading.join();
  EXPECT_EQ(got, expected);
}

TEST(Output, CarriesOnWhenThePipeDoesNotBlock) {
  auto [reader, writer] = UniqueFd::pipe(O_NONBLOCK).value();
  ASSERT_EQ(::fcntl(reader.get(), F_SETFL, 0), 0);
  std::string got;
  std::thread reading([&, fd = reader.get()] { got = drain(fd); });
  Output out(writer.get());
  EXPECT_TRUE(out.write(std::string(3 << 20, 'x')));
  EXPECT_TRUE(out.finish().ok());
  writer.reset();
  reading.join();
  EXPECT_EQ(got.size(), std::size_t{3} << 20);
}

TEST(Output, ToAReaderThatHasGoneIsNoError) {
  std::signal(SIGPIPE, SIG_IGN);
  auto [reader, writer] = UniqueFd::pipe().value();
  reader.reset();
  Output out(writer.get());
  EXPECT_FALSE(out.write(std::string(1 << 20, 'x'))) << "nobody wants more";
  EXPECT_FALSE(out.write("more"));
  EXPECT_TRUE(out.finish().ok());
}

TEST(Output, ToAFullDiskIsAnError) {
  const UniqueFd full = UniqueFd::open("/dev/full", O_WRONLY).value();
  Output out(full.get());
  out.write("x");
  const auto finished = out.finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().code, ENOSPC);
  EXPECT_EQ(finished.error().message(), "write standard output: No space left on device");
}

}  // namespace
}  // namespace plumb::app
