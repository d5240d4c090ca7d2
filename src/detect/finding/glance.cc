// SPDX-License-Identifier: Apache-2.0
// Findings of one survey.
#include "detect/finding/glance.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "detect/model/waiting.h"

namespace plumb::detect {
namespace {

using What = Glance::What;

class Looker {
 public:
  explicit Looker(const Joined& joined) : joined_(joined), survey_(joined.survey) {}

  void look_at_processes() {
    for (std::uint32_t p = 0; p < survey_.processes.size(); ++p) look_at_process(ProcessIndex{p});
  }

  void look_at_tree(const std::vector<TreeNode>& tree) {
    for (std::size_t n = 0; n < tree.size(); ++n) {
      const TreeNode& node = tree[n];
      const Process& first = survey_.processes[number(node.members.front())];
      const auto parent = find_process(survey_, first.parent);
      if (node.kernel || !parent) continue;
      const What what = first.state == RunState{'Z'} ? What::kZombies : What::kChildrenPileUp;
      const std::uint64_t many = what == What::kZombies ? kManyZombies : kManyChildren;
      if (node.members.size() < many) continue;
      if (what == What::kChildrenPileUp && !(pile_up(node) && all_wait(node))) continue;
      Glance found{what, *parent, node.members.size(), 0, 0, {}, n};
      found_.push_back(found);
    }
  }

  std::vector<Glance> take() {
    std::ranges::stable_sort(found_, [](const Glance& left, const Glance& right) {
      if (left.what != right.what) return left.what < right.what;
      if (left.bytes != right.bytes) return left.bytes > right.bytes;
      return left.count > right.count;
    });
    return std::move(found_);
  }

 private:
  void look_at_process(ProcessIndex p) {
    const auto use = joined_.tables.use_of(p);
    if (use && *use >= kNearlyFull) {
      const auto limit = survey_.processes[number(p)].descriptor_limit.value_or(0);
      found_.push_back({What::kTableNearlyFull, p, joined_.tables.size_of(p), limit, 0, {}, 0});
    }
    Glance closed{What::kCloseWait, p, 0, 0, 0, {}, 0};
    Glance deleted{What::kDeletedFiles, p, 0, 0, 0, {}, 0};
    const auto rows = joined_.tables.rows_of(p);
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      look_at_row(p, DescriptorIndex{d}, closed, deleted);
    }
    if (closed.count >= kManyCloseWait) found_.push_back(closed);
    if (deleted.bytes >= kManyHeldBytes) found_.push_back(deleted);
  }

  void look_at_row(ProcessIndex p, DescriptorIndex d, Glance& closed, Glance& deleted) {
    // An open file is counted once: for the first process that holds it, under its first number.
    const auto shared = joined_.sharing.holders_of(d);
    if (shared.size() > 1 && shared.front() != d) return;
    const Descriptor& row = joined_.row(d);
    if (held_back(row) != 0) {
      if (deleted.count++ == 0 || held_back(row) > held_back(joined_.row(deleted.example))) {
        deleted.example = d;
      }
      deleted.bytes += held_back(row);
    }
    const Socket* socket = survey_.socket_of(row);
    if (socket == nullptr) return;
    if (socket->state == SocketState::kCloseWait && closed.count++ == 0) closed.example = d;
    const std::uint64_t waiting = socket->accept_queue.value_or(0);
    if (socket->state == SocketState::kListen && socket->backlog && waiting != 0 &&
        waiting >= *socket->backlog) {
      found_.push_back({What::kQueueFull, p, waiting, *socket->backlog, 0, d, 0});
    }
  }

  // A pool is started at once and stays; a pile grows: its members started over a minute or more,
  // and the youngest is not older than a tenth of that time.
  bool pile_up(const TreeNode& node) const {
    auto youngest = std::chrono::nanoseconds::max();
    auto oldest = std::chrono::nanoseconds::min();
    for (const ProcessIndex member : node.members) {
      const auto age = age_of(survey_, survey_.processes[number(member)]);
      youngest = std::min(youngest, age);
      oldest = std::max(oldest, age);
    }
    const auto spread = oldest - youngest;
    return spread >= std::chrono::minutes(1) && youngest <= spread / 10;
  }

  bool all_wait(const TreeNode& node) const {
    return std::ranges::all_of(node.members, [&](ProcessIndex member) {
      return leader_call(survey_, survey_.processes[number(member)]) != nullptr;
    });
  }

  const Joined& joined_;
  const Survey& survey_;
  std::vector<Glance> found_;
};

}  // namespace

std::string_view id_of(What what) {
  switch (what) {
    case What::kTableNearlyFull:
      return "table-nearly-full";
    case What::kQueueFull:
      return "accept-queue-full";
    case What::kChildrenPileUp:
      return "children-pile-up";
    case What::kZombies:
      return "zombies";
    case What::kCloseWait:
      return "close-wait";
    case What::kDeletedFiles:
      return "deleted-files";
  }
  return "";
}

std::string_view remedy_of(What what) {
  switch (what) {
    case What::kTableNearlyFull:
      return "see what fills it (plumb ls --count PID) before the limit is raised";
    case What::kQueueFull:
      return "the process must accept: see what it waits in (plumb tree PID)";
    case What::kChildrenPileUp:
      return "see whom they wait for (plumb tree PID); the parent needs a time limit for them";
    case What::kZombies:
      return "the parent must wait() for its children";
    case What::kCloseWait:
      return "the peer has closed: the process must close its end";
    case What::kDeletedFiles:
      return "the space comes back when the process closes them or is restarted";
  }
  return "";
}

std::vector<Glance> glance(const Joined& joined, const std::vector<TreeNode>& tree) {
  Looker looker(joined);
  looker.look_at_processes();
  looker.look_at_tree(tree);
  return looker.take();
}

}  // namespace plumb::detect
