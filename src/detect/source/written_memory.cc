// SPDX-License-Identifier: Apache-2.0
// Choosing the pages and reading them.
#include "detect/source/written_memory.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/source/map_line.h"
#include "plumb/base/text.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPagesAtOnce = 256;
constexpr std::size_t kMapsLimit = std::size_t{16} << 20;

// Bits of an entry of /proc/PID/pagemap; Documentation/admin-guide/mm/pagemap.rst of Linux.
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61;  // or shared memory

// The request PAGEMAP_SCAN, of Linux 6.7, which steps over what was never touched: a program with
// AddressSanitizer has 16 TiB of that. Debian 12's headers do not have it.
struct ScanRequest {
  std::uint64_t size = sizeof(ScanRequest);
  std::uint64_t flags = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t walked_to = 0;
  std::uint64_t regions = 0;
  std::uint64_t region_count = 0;
  std::uint64_t most_pages = 0;
  std::uint64_t inverted = 0;
  std::uint64_t all_of = 0;
  std::uint64_t any_of = 0;
  std::uint64_t returned = 0;
};
struct ScannedRegion {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t categories;
};
constexpr unsigned long kScan = _IOWR('f', 16, ScanRequest);
constexpr std::uint64_t kScanFile = 1U << 2U;
constexpr std::uint64_t kScanPresent = 1U << 3U;
constexpr std::uint64_t kScanSwapped = 1U << 4U;
constexpr std::size_t kRegionsAtOnce = 128;

// To read a device's memory may do something.
bool is_device(const MapLine& area) {
  return area.path.starts_with("/dev/") && !area.path.starts_with("/dev/shm/") &&
         !area.path.starts_with("/dev/zero");
}

class Reader {
 public:
  Reader(UniqueFd pages, UniqueFd memory, const MemoryVisitor& visit)
      : pages_(std::move(pages)), memory_(std::move(memory)), visit_(visit) {}

  // False where it became too much.
  bool read(const MapLine& area, std::uint64_t from) {
    if (const auto read = scan(area, from)) return *read;
    for (std::uint64_t page = from / kPage; page < area.end / kPage; page += kPagesAtOnce) {
      const std::uint64_t count = std::min(kPagesAtOnce, area.end / kPage - page);
      if (!read_pages(area, from, page, count)) return false;
    }
    return true;
  }

 private:
  // As read(); nothing where the kernel cannot.
  std::optional<bool> scan(const MapLine& area, std::uint64_t from) {
    ScanRequest request;
    request.regions = reinterpret_cast<std::uint64_t>(regions_.data());
    request.region_count = regions_.size();
    request.any_of = kScanPresent | kScanSwapped;
    request.returned = kScanFile | kScanPresent | kScanSwapped;
    request.end = area.end;
    for (request.begin = from / kPage * kPage; request.begin < area.end;
         request.begin = request.walked_to) {
      const int got = ::ioctl(pages_.get(), kScan, &request);
      if (got < 0 || request.walked_to <= request.begin) return std::nullopt;
      for (const ScannedRegion& region : std::span(regions_).first(static_cast<std::size_t>(got))) {
        if (!was_written(area, (region.categories & kScanFile) != 0)) continue;
        for (std::uint64_t at = region.begin; at < region.end; at += kPagesAtOnce * kPage) {
          const std::uint64_t end = std::min(region.end, at + kPagesAtOnce * kPage);
          if (!read_words(std::max(from, at), end)) return false;
        }
      }
    }
    return true;
  }

  bool read_pages(const MapLine& area, std::uint64_t from, std::uint64_t page,
                  std::uint64_t count) {
    entries_.resize(count);
    const ssize_t got = ::pread(pages_.get(), entries_.data(), count * sizeof(entries_[0]),
                                static_cast<off_t>(page * sizeof(entries_[0])));
    if (got < 0) return true;  // such as [vsyscall], which has no pages
    entries_.resize(static_cast<std::size_t>(got) / sizeof(entries_[0]));
    for (std::size_t i = 0; i < entries_.size();) {
      std::size_t end = i;
      while (end < entries_.size() && (entries_[end] & (kPresent | kSwapped)) != 0 &&
             was_written(area, (entries_[end] & kOfFile) != 0)) {
        ++end;
      }
      if (end > i && !read_words(std::max(from, (page + i) * kPage), (page + end) * kPage)) {
        return false;
      }
      i = std::max(end, i + 1);
    }
    return true;
  }

  // A page that is there, which may be the file's own.
  static bool was_written(const MapLine& area, bool of_file) {
    return !of_file || (area.shared && area.writable);
  }

  bool read_words(std::uint64_t from, std::uint64_t end) {
    read_ += end - from;
    if (read_ > kMostWrittenMemory) return false;
    words_.resize((end - from) / sizeof(words_[0]));
    const ssize_t got = ::pread(memory_.get(), words_.data(), end - from, static_cast<off_t>(from));
    if (got > 0) {
      visit_(from, std::span(words_).first(static_cast<std::size_t>(got) / sizeof(words_[0])));
    }
    return true;
  }

  UniqueFd pages_;
  UniqueFd memory_;
  const MemoryVisitor& visit_;
  std::array<ScannedRegion, kRegionsAtOnce> regions_{};
  std::vector<std::uint64_t> entries_;
  std::vector<std::uint64_t> words_;
  std::uint64_t read_ = 0;
};

}  // namespace

Result<void> visit_written_memory(Tid thread, std::uint64_t stack_pointer,
                                  const MemoryVisitor& visit) {
  const std::string folder = "/proc/" + std::to_string(number(thread));
  const auto maps = read_file(folder + "/maps", kMapsLimit);
  if (!maps) return maps.error();
  if (maps->size() >= kMapsLimit) return fail("read", folder + "/maps", E2BIG);
  auto pages = UniqueFd::open(folder + "/pagemap", O_RDONLY);
  if (!pages) return std::move(pages).error();
  auto memory = UniqueFd::open(folder + "/mem", O_RDONLY);
  if (!memory) return std::move(memory).error();
  Reader reader(*std::move(pages), *std::move(memory), visit);
  std::string_view rest = *maps;
  while (!rest.empty()) {
    const auto area = parse_map_line(take_until(rest, '\n'));
    if (!area || !area->readable || (area->shared && is_device(*area))) continue;
    const bool of_stack = area->begin <= stack_pointer && stack_pointer < area->end;
    if (!reader.read(*area, of_stack ? stack_pointer & ~std::uint64_t{7} : area->begin)) {
      return fail("look through", folder + "/mem", E2BIG);
    }
  }
  return {};
}

}  // namespace plumb::detect
