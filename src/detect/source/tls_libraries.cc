// SPDX-License-Identifier: Apache-2.0
// Looking for TLS libraries.
#include "detect/source/tls_libraries.h"

#include <sys/stat.h>

#include <array>
#include <set>
#include <utility>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMapsLimit = std::size_t{4} << 20;
constexpr std::size_t kMostPrograms = 64;
constexpr std::array<const char*, 2> kFolders = {"/usr/lib/x86_64-linux-gnu/", "/usr/lib64/"};
constexpr std::array<const char*, 3> kNames = {"libssl.so.3", "libssl.so.1.1", "libgnutls.so.30"};

bool is_gnutls(std::string_view path) {
  return path.find("/libgnutls.so") != std::string_view::npos;
}

}  // namespace

std::string_view tls_path_in(std::string_view maps_line) {
  const auto slash = maps_line.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view path = maps_line.substr(slash);
  const bool known = path.find("/libssl.so") != std::string_view::npos ||
                     path.find("/libssl3.so") != std::string_view::npos || is_gnutls(path);
  return known && !path.ends_with(" (deleted)") ? path : std::string_view();
}

std::vector<TlsLibrary> tls_libraries(std::span<const Pid> processes) {
  std::vector<TlsLibrary> found;
  std::set<std::pair<dev_t, ino_t>> seen;
  const auto offer = [&](const std::string& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return;
    if (seen.emplace(file.st_dev, file.st_ino).second)
      found.push_back({path, is_gnutls(path), false});
  };
  for (const char* folder : kFolders) {
    for (const char* name : kNames) offer(std::string(folder) + name);
  }
  std::size_t programs = 0;
  for (const Pid pid : processes) {
    const std::string process = "/proc/" + std::to_string(number(pid));
    struct stat program {};
    if (programs < kMostPrograms && ::stat((process + "/exe").c_str(), &program) == 0 &&
        seen.emplace(program.st_dev, program.st_ino).second) {
      ++programs;
      found.push_back({process + "/exe", false, true});
    }
    const auto maps = read_file(process + "/maps", kMapsLimit);
    if (!maps) continue;
    std::string_view rest = *maps;
    std::string_view last;
    while (!rest.empty()) {
      const std::string_view path = tls_path_in(take_until(rest, '\n'));
      if (path.empty() || path == last) continue;
      last = path;
      offer(process + "/root" + std::string(path));
    }
  }
  return found;
}

}  // namespace plumb::detect
