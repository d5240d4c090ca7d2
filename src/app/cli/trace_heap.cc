// SPDX-License-Identifier: Apache-2.0
// Following heaps.
#include "app/cli/trace_heap.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "app/cli/command.h"
#include "app/cli/trace_pairs.h"
#include "detect/record/heap_place.h"
#include "detect/symbol/elf_image.h"
#include "detect/symbol/function_places.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;

constexpr std::size_t kMapsLimit = std::size_t{16} << 20;
constexpr std::size_t kMostProbed = 1024;  // files of processes
constexpr std::size_t kMostBlinds = 16;

// Who brings an allocator of its own comes before the C library.
constexpr std::array<std::string_view, 3> kAllocators = {"libjemalloc", "libmimalloc",
                                                         "libtcmalloc"};
constexpr std::array<std::string_view, 3> kLibraries = {"libc.so.", "libc-2.", "ld-musl-"};

bool begins_with_one(std::string_view path, std::span<const std::string_view> names) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::ranges::any_of(names, [&](std::string_view one) { return name.starts_with(one); });
}

}  // namespace

Result<std::vector<std::string>> TraceHeap::prepare(const std::string& program) {
  auto written = HeapPreload::write();
  if (!written) return std::move(written).error();
  preload_.emplace(*std::move(written));
  if (auto watched = source_.watch_sampler(preload_->path()); !watched) {
    return std::move(watched).error();
  }
  if (const auto image = FileImage::open(program_path(program))) {
    const auto elf = ElfImage::parse(**image);
    if (elf && elf->section(".interp") == nullptr) {
      blinds_.insert("the heap of " + program +
                     " is not followed: it is linked statically, so that no sampler can be put "
                     "before its allocator");
    }
  }
  return preload_->environment(mean_, freed_);
}

// False where the file has no allocation functions.
bool TraceHeap::probe(Pid process, const std::string& path, bool library) {
  const auto image = FileImage::open(path);
  if (!image) return false;
  const auto elf = ElfImage::parse(**image);
  if (!elf) return false;
  std::vector<std::string> names;
  for (const HeapFunction& function : heap_functions()) names.emplace_back(function.name);
  const FunctionPlaces places = find_functions(**image, *elf, names);
  if (places.go || !places.offsets.contains("malloc") || !places.offsets.contains("free")) {
    return false;
  }
  if (probed_.size() >= kMostProbed || !probed_.emplace(process, (*image)->key()).second) {
    return true;
  }
  for (const HeapFunction& function : heap_functions()) {
    const auto at = places.offsets.find(std::string(function.name));
    if (at == places.offsets.end()) continue;
    HeapPlace place{process, path, at->second, function};
    if (library) {
      place.pages_before = at->second / 4096 - places.code_begin / 4096;
      place.pages_after = (places.code_end + 4095) / 4096 - at->second / 4096;
    }
    const auto done = source_.watch_heap(place);
    if (!done && blinds_.size() < kMostBlinds) blinds_.insert(done.error().message());
  }
  return true;
}

void TraceHeap::follow_sampler(const AddressSpace& space) {
  const auto sampler = std::ranges::find_if(space.mappings(), [](const Mapping& mapping) {
    return mapping.executable && !mapping.deleted && HeapPreload::is_sampler(mapping.path);
  });
  if (sampler == space.mappings().end() || samplers_.contains(sampler->path)) return;
  // Without it the growth is told without its origins.
  if (source_.watch_sampler(sampler->path)) samplers_.insert(sampler->path);
}

void TraceHeap::look_at(Pid process) {
  if (preload_) return;
  const std::string folder = "/proc/" + std::to_string(number(process));
  const auto maps = read_file(folder + "/maps", kMapsLimit);
  if (!maps) return;
  const AddressSpace space = AddressSpace::parse(*maps);
  if (way_ == HeapWay::kSamplerOnly) return follow_sampler(space);
  if (!warned_) {
    warned_ = true;
    complain(
        "the heap of a running process is followed by probes on each of its allocations, which "
        "make it twenty to thirty times slower until the trace ends; --heap -- CMD costs it almost "
        "nothing");
  }
  std::string allocator;
  std::string library;
  for (const Mapping& mapping : space.mappings()) {
    if (!mapping.executable || mapping.deleted) continue;
    if (begins_with_one(mapping.path, kAllocators)) allocator = mapping.path;
    if (begins_with_one(mapping.path, kLibraries)) library = mapping.path;
  }
  if (!allocator.empty() && probe(process, folder + "/root" + allocator, true)) return;
  if (probe(process, folder + "/exe", false)) return;
  if (!library.empty() && probe(process, folder + "/root" + library, true)) return;
  if (blinds_.size() < kMostBlinds) {
    blinds_.insert("the heap of process " + std::to_string(number(process)) +
                   " is not followed: it has no allocation functions that plumb finds");
  }
}

}  // namespace plumb::app
