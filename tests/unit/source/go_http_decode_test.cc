// SPDX-License-Identifier: Apache-2.0
// Rows of the HTTP probes, whose lengths are the target's.
#include "detect/source/go_http_decode.h"

#include <gtest/gtest.h>

#include <cstring>

namespace plumb::detect {
namespace {

TEST(GoHttpDecode, TakesTextsByTheirLengths) {
  abi::go_request row{};
  row.sent = 1'000'000'000;
  row.goroutine = 7;
  std::memcpy(row.method, "POSTleftover", 12);
  row.method_length = 4;
  std::memcpy(row.host, "example.org", 11);
  row.host_length = 11;
  row.stack[0] = 0x401000;
  row.stack[1] = 0x402000;
  row.stack[3] = 0x403000;  // behind the end
  const GoRequest request = decode(row, 0xc000001000);
  EXPECT_EQ(request.connection, Address{0xc000001000});
  EXPECT_EQ(request.sent, BootTime(std::chrono::seconds(1)));
  EXPECT_EQ(request.goroutine, GoroutineId{7});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.host, "example.org");
  EXPECT_EQ(request.path, "");
  EXPECT_FALSE(request.shortened);
  EXPECT_EQ(request.stack, (std::vector{Address{0x401000}, Address{0x402000}}));
  EXPECT_EQ(request.version, GoHttpVersion::kHttp1);
}

TEST(GoHttpDecode, BoundsWhatIsLonger) {
  abi::go_request row{};
  std::memset(&row, 0xff, sizeof(row));
  const GoRequest request = decode(row, 1);
  EXPECT_EQ(request.path.size(), std::size_t{abi::kGoPath});
  EXPECT_EQ(request.stack.size(), std::size_t{abi::kGoFrames});
  EXPECT_TRUE(request.shortened);
  EXPECT_EQ(request.version, GoHttpVersion::kHttp2);
}

}  // namespace
}  // namespace plumb::detect
