// SPDX-License-Identifier: Apache-2.0
#include "detect/source/tls_libraries.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <set>

namespace plumb::detect {
namespace {

TEST(TlsLibraries, AreKnownByTheirNamesInMaps) {
  EXPECT_EQ(tls_path_in("7f00-7f10 r-xp 00000000 08:01 77  /usr/lib/x86_64-linux-gnu/libssl.so.3"),
            "/usr/lib/x86_64-linux-gnu/libssl.so.3");
  EXPECT_EQ(tls_path_in("7f00-7f10 r-xp 0 08:01 77 /opt/a b/libgnutls.so.30.34.3"),
            "/opt/a b/libgnutls.so.30.34.3");
  EXPECT_EQ(tls_path_in("7f00-7f10 r-xp 0 08:01 77 /usr/lib/libc.so.6"), "");
  EXPECT_EQ(tls_path_in("7f00-7f10 r-xp 0 08:01 77 /tmp/libssl.so.3 (deleted)"), "");
  EXPECT_EQ(tls_path_in("7f00-7f10 rw-p 0 00:00 0 [heap]"), "");
}

TEST(TlsLibraries, EachFileOnceWithTheProcesssProgram) {
  const std::array pids = {Pid{::getpid()}, Pid{::getpid()}};
  std::set<std::string> paths;
  bool program = false;
  for (const TlsLibrary& library : tls_libraries(pids)) {
    EXPECT_TRUE(paths.insert(library.path).second);
    program |= library.executable;
  }
  EXPECT_TRUE(program);
}

}  // namespace
}  // namespace plumb::detect
