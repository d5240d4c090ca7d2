// SPDX-License-Identifier: Apache-2.0
// Reading paths out of system calls, and looking what stands there.
#include "detect/source/created_names.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostPath = 4096;  // PATH_MAX
constexpr std::size_t kPage = 4096;

// As many bytes as can be had, page by page: the one behind the text may not be mapped.
std::string read_memory(Pid process, std::uint64_t from, std::size_t most) {
  std::string bytes(most, '\0');
  std::size_t got = 0;
  while (got < most) {
    const std::size_t piece = std::min(most - got, kPage - (from + got) % kPage);
    iovec into{bytes.data() + got, piece};
    iovec there{reinterpret_cast<void*>(from + got), piece};  // an address of another process
    const ssize_t read = ::process_vm_readv(number(process), &into, 1, &there, 1, 0);
    if (read <= 0) break;
    got += static_cast<std::size_t>(read);
    if (std::memchr(bytes.data(), 0, got) != nullptr && most == kMostPath) break;
  }
  bytes.resize(got);
  return bytes;
}

std::string read_text(Pid process, std::uint64_t from) {
  std::string text = read_memory(process, from, kMostPath);
  const auto end = text.find('\0');
  return end == std::string::npos ? std::string() : text.substr(0, end);
}

// The path of a bound unix socket; empty for abstract names and other families.
std::string read_address(Pid process, std::uint64_t from, std::uint64_t length) {
  const std::string bytes =
      read_memory(process, from, std::min<std::uint64_t>(length, sizeof(sockaddr_un)));
  constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
  sa_family_t family = 0;
  if (bytes.size() <= kPath) return {};
  std::memcpy(&family, bytes.data(), sizeof(family));
  if (family != AF_UNIX) return {};
  return bytes.substr(kPath, bytes.find('\0', kPath) - kPath);
}

std::string absolute(const ChosenCall& call, const NameArguments& where, std::string path) {
  if (path.starts_with('/')) return path;
  const std::string proc = "/proc/" + std::to_string(number(call.tid));
  if (where.directory < 0) return proc + "/cwd/" + path;
  const auto fd =
      static_cast<std::int32_t>(call.arguments[static_cast<std::size_t>(where.directory)]);
  return fd == AT_FDCWD ? proc + "/cwd/" + path : proc + "/fd/" + std::to_string(fd) + "/" + path;
}

bool is_below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() + 1 && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

std::optional<std::string> named_path(const ChosenCall& call) {
  const NameArguments where = made_name(call.call);
  if (where.path < 0) return std::nullopt;
  const auto at = static_cast<std::size_t>(where.path);
  std::string path = where.address
                         ? read_address(call.pid, call.arguments[at], call.arguments[at + 1])
                         : read_text(call.pid, call.arguments[at]);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.empty()) return std::nullopt;
  const std::filesystem::path full = absolute(call, where, std::move(path));
  std::error_code error;
  const auto parent = std::filesystem::canonical(full.parent_path(), error);
  if (error) return std::nullopt;
  return (parent / full.filename()).string();
}

void CreatedNames::before(const ChosenCall& call) {
  candidates_.erase(call.tid);
  auto path = named_path(call);
  struct stat there {};
  if (!path || !is_below(*path, below_) || ::lstat(path->c_str(), &there) == 0) return;
  candidates_[call.tid] = *std::move(path);
}

std::optional<std::uint64_t> CreatedNames::after(const ChosenCall& call) {
  auto candidate = candidates_.extract(call.tid);
  struct stat there {};
  if (candidate.empty() || call.result < 0) return std::nullopt;
  if (::lstat(candidate.mapped().c_str(), &there) != 0) return std::nullopt;
  const auto [known, added] = names_.try_emplace(Identity{there.st_dev, there.st_ino});
  CreatedName& name = known->second;
  // Renamed: it stays its maker's. A removed one's number may be another's by now.
  struct stat before {};
  const bool renamed = !added && ::lstat(name.path.c_str(), &before) != 0 &&
                       made_by(call.call) == MadeBy::kNothing && !S_ISDIR(there.st_mode);
  name.path = std::move(candidate.mapped());
  if (renamed) return std::nullopt;
  name.directory = S_ISDIR(there.st_mode);
  name.process = call.pid;
  name.call = call.call;
  name.serial = ++serial_;
  return name.serial;
}

std::vector<CreatedName> CreatedNames::left() const {
  std::vector<CreatedName> found;
  for (const auto& [identity, name] : names_) {
    struct stat there {};
    if (::lstat(name.path.c_str(), &there) != 0) continue;
    if (Identity{there.st_dev, there.st_ino} == identity) found.push_back(name);
  }
  std::ranges::sort(found, {}, &CreatedName::path);
  return found;
}

}  // namespace plumb::detect
