// SPDX-License-Identifier: Apache-2.0
// Addresses: what is read is what is printed, and what is refused.
#include "plumb/net/address.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace plumb::runtime {
namespace {

TEST(Address, PrintsWhatItRead) {
  for (const auto* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[fe80::1]:443",
                           "unix:/run/some.sock", "unix:@abstract"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
    EXPECT_EQ(*Address::parse(address->text()), *address);
  }
  EXPECT_EQ(Address::parse(":8080")->text(), "[::]:8080");
}

TEST(Address, RefusesWhatIsNone) {
  for (const auto* text : {"", "80", "1.2.3:80", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:",
                           "::1:80", "[::1:80", "localhost:80", "1.2.3.4:80 ", "unix:"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_EQ(Address::unix_path(std::string(108, 'x')).error().code, ENAMETOOLONG);
  EXPECT_TRUE(Address::unix_path(std::string(107, 'x')));
}

TEST(Address, KnowsItsPartsAndChangesItsPort) {
  const auto address = Address::loopback(80);
  EXPECT_EQ(address.port(), 80);
  EXPECT_EQ(address.with_port(81).text(), "127.0.0.1:81");
  EXPECT_EQ(Address::parse("[::1]:1")->with_port(2).text(), "[::1]:2");
  EXPECT_EQ(Address::parse("unix:@a")->path(), "@a");
  EXPECT_EQ(Address::parse("unix:@a")->port(), 0);
  EXPECT_EQ(Address().text(), "unix:");
}

}  // namespace
}  // namespace plumb::runtime
