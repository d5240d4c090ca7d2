// SPDX-License-Identifier: Apache-2.0
// Growing and folding the tree of processes.
#include "detect/model/tree.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "detect/model/command.h"
#include "detect/model/flat_index.h"
#include "detect/model/tables.h"

namespace plumb::detect {
namespace {

constexpr Pid kKthreadd{2};

bool is_kernel_thread(const Process& process) {
  return process.parent == kKthreadd && process.command_line.empty() &&
         process.state != RunState{'Z'};
}

class Tree {
 public:
  Tree(const Survey& survey, const Selection& selection) : survey_(survey), selection_(selection) {
    const std::size_t count = survey.processes.size();
    children_.resize(count);
    parent_.assign(count, kNoParent);
    for (std::uint32_t p = 0; p < count; ++p) {
      const auto parent = find_process(survey, survey.processes[p].parent);
      if (!parent || number(*parent) == p) continue;
      parent_[p] = number(*parent);
      children_[number(*parent)].push_back(p);
    }
    walk_from_roots();
    sign();
  }

  std::vector<TreeNode> nodes() {
    std::vector<std::uint32_t> roots;
    for (std::uint32_t p = 0; p < parent_.size(); ++p) {
      if (is_root(p)) roots.push_back(p);
    }
    push_groups(roots, 0);
    std::vector<TreeNode> nodes;
    while (!stack_.empty()) {
      TreeNode node = std::move(stack_.back());
      stack_.pop_back();
      std::vector<std::uint32_t> below;
      for (const ProcessIndex member : node.members) {
        const auto& own = children_[number(member)];
        below.insert(below.end(), own.begin(), own.end());
      }
      push_groups(below, node.depth + 1);
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

 private:
  static constexpr std::uint32_t kNoParent = 0xffffffff;

  // Puts all processes into order_, parents before children. Parents are read one after the other
  // while numbers are reused, so that a ring is possible; it is cut at its lowest pid.
  void walk_from_roots() {
    std::vector<bool> seen(parent_.size());
    const auto walk = [&](std::uint32_t root) {
      std::size_t at = order_.size();
      order_.push_back(root);
      seen[root] = true;
      for (; at < order_.size(); ++at) {
        for (const std::uint32_t child : children_[order_[at]]) {
          if (seen[child]) continue;
          seen[child] = true;
          order_.push_back(child);
        }
      }
    };
    for (std::uint32_t p = 0; p < parent_.size(); ++p) {
      if (parent_[p] == kNoParent) walk(p);
    }
    for (std::uint32_t p = 0; p < parent_.size(); ++p) {
      if (seen[p]) continue;
      std::erase(children_[parent_[p]], p);
      parent_[p] = kNoParent;
      walk(p);
    }
  }

  // A signature is equal for processes that fold, from the leaves up.
  void sign() {
    signature_.resize(parent_.size());
    const std::hash<std::string_view> hash;
    for (auto p = order_.rbegin(); p != order_.rend(); ++p) {
      const Process& process = survey_.processes[*p];
      if (is_kernel_thread(process)) {
        signature_[*p] = 1;
        continue;
      }
      std::vector<std::uint64_t> below;
      for (const std::uint32_t child : children_[*p]) below.push_back(signature_[child]);
      std::ranges::sort(below);
      below.erase(std::unique(below.begin(), below.end()), below.end());
      std::uint64_t signature =
          mix(hash(command_pattern(command_of(survey_, process))),
              number(process.uid) | std::uint64_t{process.state == RunState{'Z'}} << 32);
      for (const std::uint64_t child : below) signature = mix(signature, child);
      signature_[*p] = signature;
    }
  }

  bool chosen(std::uint32_t p) const {
    if (selection_.has(ProcessIndex{p})) return true;
    return !chosen_by_row_.empty() && chosen_by_row_[p];
  }

  bool is_root(std::uint32_t p) {
    if (selection_.everything) return parent_[p] == kNoParent;
    if (chosen_by_row_.empty()) {
      chosen_by_row_.resize(parent_.size());
      for (std::size_t d = 0; d < survey_.descriptors.size(); ++d) {
        if (selection_.descriptors[d])
          chosen_by_row_[number(survey_.descriptors[d].process)] = true;
      }
    }
    if (!chosen(p)) return false;
    for (std::uint32_t up = parent_[p]; up != kNoParent; up = parent_[up]) {
      if (chosen(up)) return false;
    }
    return true;
  }

  void push_groups(const std::vector<std::uint32_t>& siblings, std::uint32_t depth) {
    if (siblings.empty()) return;
    std::map<std::uint64_t, std::vector<ProcessIndex>> by_signature;
    for (const std::uint32_t p : siblings) by_signature[signature_[p]].push_back(ProcessIndex{p});
    std::vector<TreeNode> groups;
    for (auto& [signature, members] : by_signature) {
      std::ranges::sort(members);
      groups.push_back({depth, false, is_kernel_thread(survey_.processes[number(members.front())]),
                        members, command_of_all(members)});
    }
    std::ranges::sort(groups, {}, [](const TreeNode& node) { return node.members.front(); });
    groups.back().last = true;
    for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
      stack_.push_back(std::move(*group));
    }
  }

  std::string command_of_all(const std::vector<ProcessIndex>& members) const {
    const Process& first = survey_.processes[number(members.front())];
    std::string command = command_of(survey_, first);
    if (is_kernel_thread(first) && members.size() > 1) return "kernel threads";
    for (const ProcessIndex member : members) {
      if (command_of(survey_, survey_.processes[number(member)]) != command) {
        return command_pattern(command);
      }
    }
    return command;
  }

  const Survey& survey_;
  const Selection& selection_;
  std::vector<std::vector<std::uint32_t>> children_;
  std::vector<std::uint32_t> parent_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint64_t> signature_;
  std::vector<bool> chosen_by_row_;
  std::vector<TreeNode> stack_;
};

}  // namespace

std::vector<TreeNode> grow_tree(const Survey& survey, const Selection& selection) {
  return Tree(survey, selection).nodes();
}

}  // namespace plumb::detect
