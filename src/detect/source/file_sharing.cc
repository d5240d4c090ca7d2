// SPDX-License-Identifier: Apache-2.0
// Sorts the candidates into groups, and each group by the kernel's own order of files.
#include "detect/source/file_sharing.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <optional>
#include <tuple>
#include <vector>

namespace plumb::detect {
namespace {

// What two descriptors of one file cannot differ in. Position and status flags are not of it: they
// may change between two looks at the same file.
auto key_of(const Descriptor& d) {
  return std::tuple(d.device_major, d.device_minor, d.inode, d.mode & S_IFMT, d.flags & O_ACCMODE,
                    d.flags & O_PATH);
}

std::int32_t task_of(const Survey& survey, const Descriptor& d) {
  return number(d.table) != 0 ? number(d.table) : number(survey.process_of(d).key.pid);
}

enum class Order { kSame, kBefore, kAfter, kRefused };

Order compare(const Survey& survey, const Descriptor& one, const Descriptor& other) {
  const long answer = ::syscall(SYS_kcmp, task_of(survey, one), task_of(survey, other), KCMP_FILE,
                                number(one.fd), number(other.fd));
  switch (answer) {
    case 0:
      return Order::kSame;
    case 1:
      return Order::kBefore;
    case 2:
      return Order::kAfter;
    default:
      return Order::kRefused;
  }
}

// The files of one group that are known, in the kernel's order; each by one of its descriptors.
class KnownFiles {
 public:
  explicit KnownFiles(Survey& survey) : survey_(survey) {}

  // The descriptor whose file `index` shares, which may be itself; nothing where kcmp is refused.
  std::optional<std::uint32_t> place(std::uint32_t index) {
    std::size_t low = 0, high = files_.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      const auto order =
          compare(survey_, survey_.descriptors[index], survey_.descriptors[files_[middle]]);
      if (order == Order::kRefused) return std::nullopt;
      if (order == Order::kSame) return files_[middle];
      (order == Order::kBefore ? high : low) = order == Order::kBefore ? middle : middle + 1;
    }
    files_.insert(files_.begin() + static_cast<std::ptrdiff_t>(low), index);
    return index;
  }

 private:
  Survey& survey_;
  std::vector<std::uint32_t> files_;
};

}  // namespace

std::uint64_t find_shared_files(Survey& survey) {
  auto& all = survey.descriptors;
  std::vector<std::uint32_t> order(all.size());
  std::iota(order.begin(), order.end(), 0U);
  // by number within a group, so that a file is named after the first descriptor that was seen of
  // it
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::tuple_cat(key_of(all[a]), std::tuple(a)) <
           std::tuple_cat(key_of(all[b]), std::tuple(b));
  });

  std::uint64_t refused = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const auto& first = all[order[begin]];
    while (end < order.size() && key_of(all[order[end]]) == key_of(first)) ++end;
    const bool one_file = (first.mode & S_IFMT) == S_IFSOCK && (first.flags & O_PATH) == 0;
    KnownFiles known(survey);
    for (std::size_t i = begin; i < end; ++i) {
      auto& descriptor = all[order[i]];
      if (descriptor.kind == Kind::kUnreadable) continue;
      const bool alone = one_file || end - begin == 1;
      const auto file = alone ? std::optional(order[begin]) : known.place(order[i]);
      // Numbers from 1, one a descriptor: the first that was seen of a file lends it its own.
      if (file) descriptor.file = FileId(std::uint64_t{*file} + 1);
      refused += file ? 0 : 1;
    }
  }
  return refused;
}

}  // namespace plumb::detect
