// SPDX-License-Identifier: Apache-2.0
// plumb-cast: which program it is says its first word.
#include <sys/prctl.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "app/cast/cast.h"

namespace {

struct Role {
  std::string_view name;
  int (*play)(int, char**);
};

namespace cast = plumb::cast;
constexpr std::array kRoles = {
    Role{"origin", cast::origin}, Role{"proxy", cast::proxy},       Role{"editor", cast::editor},
    Role{"beat", cast::beat},     Role{"registry", cast::registry}, Role{"service", cast::service},
    Role{"server", cast::server}, Role{"clients", cast::clients},   Role{"reactor", cast::reactor},
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const Role& role : kRoles) {
    if (argc < 1 || role.name != argv[0]) continue;
    ::prctl(PR_SET_NAME, argv[0]);
    return role.play(argc, argv);
  }
  std::fputs("plumb-cast plays in `plumb demo`; it is not run by hand\n", stderr);
  return 2;
}
