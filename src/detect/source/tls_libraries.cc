// SPDX-License-Identifier: Apache-2.0
// Looking for TLS libraries.
#include "detect/source/tls_libraries.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
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

namespace {

// Files by their identity, each with its users.
class Found {
 public:
  void add(const std::string& path, bool executable, std::optional<Pid> user) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return;
    const FileIdentity identity{file.st_dev, file.st_ino};
    const auto [at, fresh] = seen_.try_emplace(identity, libraries_.size());
    if (fresh) libraries_.push_back({identity, path, is_gnutls(path), executable});
    std::vector<Pid>& users = libraries_[at->second].users;
    if (user && (users.empty() || users.back() != *user)) users.push_back(*user);
  }
  std::vector<TlsLibrary> take(std::size_t systems, std::size_t processes) {
    for (std::size_t n = 0; n < std::min(systems, libraries_.size()); ++n) {
      if (libraries_[n].users.size() < processes) libraries_[n].users.clear();
    }
    return std::move(libraries_);
  }
  std::size_t size() const { return libraries_.size(); }

 private:
  std::map<FileIdentity, std::size_t> seen_;
  std::vector<TlsLibrary> libraries_;
};

}  // namespace

std::vector<TlsLibrary> tls_libraries(std::span<const Pid> processes) {
  Found found;
  for (const char* folder : kFolders) {
    for (const char* name : kNames) found.add(std::string(folder) + name, false, std::nullopt);
  }
  const std::size_t systems = found.size();
  std::size_t programs = 0;
  for (const Pid pid : processes) {
    const std::string process = "/proc/" + std::to_string(number(pid));
    if (programs++ < kMostPrograms) found.add(process + "/exe", true, pid);
    const auto maps = read_file(process + "/maps", kMapsLimit);
    if (!maps) continue;
    std::string_view rest = *maps;
    std::string_view last;
    while (!rest.empty()) {
      const std::string_view path = tls_path_in(take_until(rest, '\n'));
      if (path.empty() || path == last) continue;
      last = path;
      found.add(process + "/root" + std::string(path), false, pid);
    }
  }
  return found.take(systems, processes.size());
}

}  // namespace plumb::detect
