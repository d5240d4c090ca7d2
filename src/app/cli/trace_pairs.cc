// SPDX-License-Identifier: Apache-2.0
// Finding the functions of pairs.
#include "app/cli/trace_pairs.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "detect/report/terminal.h"
#include "detect/symbol/elf_image.h"
#include "detect/symbol/maps.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::size_t kMapsLimit = std::size_t{16} << 20;
constexpr std::size_t kMostFiles = 4096;  // looked into by one trace
constexpr std::size_t kMostRefused = 16;
constexpr std::array<const char*, 4> kFolders = {
    "/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/usr/lib64/", "/usr/local/lib/"};

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// "libcurl.so.4" is what programs ask for, "libcurl.so.4.8.0" what is mapped.
bool is_file(std::string_view asked, std::string_view path) {
  if (asked.find('/') != std::string_view::npos) return asked == path;
  const std::string_view name = last_part(path);
  if (!name.starts_with(asked)) return false;
  const std::string_view rest = name.substr(asked.size());
  return rest.empty() || (rest.front() == '.' && asked.find(".so") != std::string_view::npos);
}

}  // namespace

std::string program_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders == nullptr ? "/usr/bin:/bin" : folders;
  while (!rest.empty()) {
    std::string path(take_until(rest, ':'));
    path.append("/").append(program);
    struct stat file {};
    if (::stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode)) return path;
  }
  return program;
}

bool has_own_probes(const std::string& path) {
  const auto image = FileImage::open(path);
  if (!image) return false;
  const auto elf = ElfImage::parse(**image);
  return elf && find_functions(**image, *elf, {}).usdt;
}

void TracePairs::place(const FunctionPlaces& places, unsigned index, const std::string& path) {
  const Pair& pair = pairs_[index];
  std::size_t acquires = 0;
  std::size_t releases = 0;
  const auto watch = [&](const PairFunction& function, bool release) {
    const auto at = places.offsets.find(function.name);
    if (at == places.offsets.end()) return;
    PairPlace probe{path, at->second, index, release, function};
    if (places.library) {
      constexpr std::uint64_t kPage = 4096;
      probe.pages_before = at->second / kPage - places.code_begin / kPage;
      probe.pages_after = (places.code_end + kPage - 1) / kPage - at->second / kPage;
    }
    if (const auto done = source_.watch(probe); !done) {
      if (refused_.size() < kMostRefused) refused_.insert(done.error().message());
      return;
    }
    ++(release ? releases : acquires);
  };
  // The releases first: what is acquired must be able to go.
  for (const PairFunction& function : pair.releases) watch(function, true);
  for (const PairFunction& function : pair.acquires) watch(function, false);
  if (acquires > 0 && releases > 0) found_.insert(index);
}

void TracePairs::look_into(const std::string& path, const std::string& name, bool program) {
  const bool for_pairs =
      std::ranges::any_of(pairs_, [&](const Pair& pair) { return is_file(pair.file, name); });
  if (!for_pairs && !(own_ && program)) return;
  if (seen_.size() >= kMostFiles) return;
  const auto image = FileImage::open(path);
  if (!image || !seen_.insert((*image)->key()).second) return;
  const auto elf = ElfImage::parse(**image);
  if (!elf) return;
  std::vector<std::string> names;
  for (const Pair& pair : pairs_) {
    if (!is_file(pair.file, name)) continue;
    for (const auto* side : {&pair.acquires, &pair.releases}) {
      for (const PairFunction& function : *side) names.push_back(function.name);
    }
  }
  const FunctionPlaces places = find_functions(**image, *elf, names);
  if (own_ && places.usdt) {
    const auto done = source_.watch_own(path);
    if (!done && refused_.size() < kMostRefused) refused_.insert(done.error().message());
  }
  if (places.go && !names.empty()) {
    refused_.insert(clean(name) +
                    " is built by Go, whose stacks move: its returns cannot be watched");
    return;
  }
  for (unsigned i = 0; i < pairs_.size(); ++i) {
    if (is_file(pairs_[i].file, name)) place(places, i, path);
  }
}

void TracePairs::prepare(const std::string& program) {
  for (const Pair& pair : pairs_) {
    if (pair.file.find('/') != std::string::npos) look_into(pair.file, pair.file, false);
    for (const char* folder : kFolders) look_into(folder + pair.file, folder + pair.file, false);
  }
  if (program.empty()) return;
  const std::string path = program_path(program);
  look_into(path, path, true);
}

void TracePairs::look_at(Pid process) {
  if (pairs_.empty() && !own_) return;
  const std::string folder = "/proc/" + std::to_string(number(process));
  const auto maps = read_file(folder + "/maps", kMapsLimit);
  if (!maps) return;
  struct stat program {};
  const bool known = ::stat((folder + "/exe").c_str(), &program) == 0;
  std::string last;
  const AddressSpace space = AddressSpace::parse(*maps);
  for (const Mapping& mapping : space.mappings()) {
    if (!mapping.executable || mapping.deleted || !mapping.path.starts_with('/')) continue;
    if (mapping.path == last) continue;
    last = mapping.path;
    const bool is_program = known && mapping.file.inode == program.st_ino;
    look_into(folder + "/root" + mapping.path, mapping.path, is_program);
  }
}

std::vector<std::string> TracePairs::blinds() const {
  std::vector<std::string> told(refused_.begin(), refused_.end());
  for (unsigned i = 0; i < pairs_.size(); ++i) {
    if (found_.contains(i)) continue;
    told.push_back("pair " + pairs_[i].name + ": nobody has " + clean(pairs_[i].file) +
                   " with functions of both sides");
  }
  return told;
}

std::map<Kind, std::string> TracePairs::names() const {
  std::map<Kind, std::string> names = source_.told_kinds();
  for (unsigned i = 0; i < pairs_.size(); ++i) {
    names[Kind{static_cast<std::uint8_t>(number(Kind::kPair) + i)}] = pairs_[i].name;
  }
  return names;
}

}  // namespace plumb::app
