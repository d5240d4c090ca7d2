// SPDX-License-Identifier: Apache-2.0
// What one look at the machine shows to be wrong, without any history: the findings of `plumb`
// alone. Each is a fact of the survey beyond a threshold that no healthy program crosses for long.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/model/joined.h"
#include "detect/model/tree.h"

namespace plumb::detect {

struct Glance {
  enum class What : std::uint8_t {
    kTableNearlyFull,  // `count` of `limit` descriptors: 90 % or more
    kQueueFull,        // a listener's accept queue has `count` of `limit`: newcomers are dropped
    kChildrenPileUp,   // `count` equal children that wait, started one after the other, none ends
    kZombies,          // `count` children that ended and were not waited for
    kCloseWait,        // `count` connections that the peer closed and the process keeps
    kDeletedFiles,     // `count` deleted files hold back `bytes` of disk
  };
  What what{};
  ProcessIndex process{};  // whose doing it is
  std::uint64_t count = 0;
  std::uint64_t limit = 0;
  std::uint64_t bytes = 0;
  DescriptorIndex example{};  // kQueueFull, kCloseWait, kDeletedFiles: one of them
  std::size_t node = 0;       // kChildrenPileUp, kZombies: the children's place in the tree
};

constexpr double kNearlyFull = 0.9;
constexpr std::uint64_t kManyChildren = 50;
constexpr std::uint64_t kManyZombies = 10;
constexpr std::uint64_t kManyCloseWait = 10;
constexpr std::uint64_t kManyHeldBytes = 64 << 20;

// The word that JSON and documents know it by: "table-nearly-full".
std::string_view id_of(Glance::What what);
// What to do next, one sentence.
std::string_view remedy_of(Glance::What what);

// Worst sort first, in the order of What, most first within one. `tree` is the whole machine's.
std::vector<Glance> glance(const Joined& joined, const std::vector<TreeNode>& tree);

}  // namespace plumb::detect
