// SPDX-License-Identifier: Apache-2.0
// Parsing and matching of selectors.
#include "detect/model/selector.h"

#include <sys/socket.h>

#include <algorithm>
#include <functional>

#include "detect/model/cgroup.h"
#include "detect/model/command.h"
#include "detect/model/nearest.h"
#include "detect/model/tables.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr const char* kAdvice =
    "a selector is a pid, a command name, :port, a path, unit:NAME or cgroup:PATH";

// `path` itself, or something below it.
bool at_or_below(std::string_view path, std::string_view root) {
  while (root.size() > 1 && root.ends_with('/')) root.remove_suffix(1);
  if (!path.starts_with(root)) return false;
  return path.size() == root.size() || root == "/" || path[root.size()] == '/';
}

bool same_unit(std::string_view unit, std::string_view wanted) {
  if (unit == wanted) return true;
  const auto dot = unit.rfind('.');
  return dot != std::string_view::npos && unit.substr(0, dot) == wanted;
}

bool matches_process(const Survey& survey, const Process& process, const Selector& selector) {
  switch (selector.sort) {
    case Selector::Sort::kPid:
      return static_cast<std::uint32_t>(number(process.key.pid)) == selector.number;
    case Selector::Sort::kName:
      return survey.texts.at(process.name) == selector.value ||
             program_of(survey, process) == selector.value;
    case Selector::Sort::kUnit:
      return same_unit(read_cgroup(survey.texts.at(process.cgroup)).unit, selector.value);
    case Selector::Sort::kCgroup:
      return !process.cgroup.empty() &&
             at_or_below(survey.texts.at(process.cgroup), selector.value);
    case Selector::Sort::kPort:
    case Selector::Sort::kPath:
      return false;
  }
  return false;
}

// An abstract name begins with NUL in the kernel and with '@' where people write it.
bool same_socket_name(std::string_view path, std::string_view wanted) {
  if (wanted.starts_with('@')) {
    return path.starts_with('\0') && path.substr(1) == wanted.substr(1);
  }
  return at_or_below(path, wanted);
}

bool matches_descriptor(const Survey& survey, const Descriptor& d, const Selector& selector) {
  const Socket* socket = survey.socket_of(d);
  if (selector.sort == Selector::Sort::kPort) {
    return socket != nullptr &&
           (socket->local.port == selector.number || socket->remote.port == selector.number);
  }
  if (selector.sort != Selector::Sort::kPath) return false;
  if (socket != nullptr) {
    return !socket->path.empty() && same_socket_name(survey.texts.at(socket->path), selector.value);
  }
  return !d.name.empty() && at_or_below(survey.texts.at(d.name), selector.value);
}

bool chooses_processes(const Selector& selector) {
  return selector.sort != Selector::Sort::kPort && selector.sort != Selector::Sort::kPath;
}

}  // namespace

Result<Selector> parse_selector(std::string_view text) {
  using Sort = Selector::Sort;
  const auto make = [&](Sort sort, std::string_view value, std::uint32_t number = 0) {
    return Selector{sort, std::string(text), std::string(value), number};
  };
  if (text.empty()) return fail("select", "an empty word", 0, kAdvice);
  if (text.starts_with(':')) {
    const auto port = parse_number<std::uint16_t>(text.substr(1));
    if (!port || *port == 0) {
      return fail("select", std::string(text) + ": no port", 0, "ports are 1 to 65535: :8080");
    }
    return make(Sort::kPort, text.substr(1), *port);
  }
  for (const auto& [prefix, sort] :
       {std::pair{std::string_view("unit:"), Sort::kUnit}, {"cgroup:", Sort::kCgroup}}) {
    if (!text.starts_with(prefix)) continue;
    if (text.size() == prefix.size()) {
      return fail("select", std::string(text) + ": nothing behind the colon", 0, kAdvice);
    }
    return make(sort, text.substr(prefix.size()));
  }
  if (text.starts_with('/') || text.starts_with('@')) return make(Sort::kPath, text);
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto pid = parse_number<std::int32_t>(text);
    if (!pid || *pid == 0) return fail("select", std::string(text) + ": no pid", 0, kAdvice);
    return make(Sort::kPid, text, static_cast<std::uint32_t>(*pid));
  }
  return make(Sort::kName, text);
}

Selection select(const Survey& survey, const std::vector<Selector>& selectors) {
  Selection selection;
  selection.everything = selectors.empty();
  if (selection.everything) return selection;
  selection.processes.resize(survey.processes.size());
  selection.descriptors.resize(survey.descriptors.size());
  for (const Selector& selector : selectors) {
    bool matched = false;
    if (chooses_processes(selector)) {
      for (std::size_t p = 0; p < survey.processes.size(); ++p) {
        if (!matches_process(survey, survey.processes[p], selector)) continue;
        matched = selection.processes[p] = true;
      }
    } else {
      for (std::size_t d = 0; d < survey.descriptors.size(); ++d) {
        if (!matches_descriptor(survey, survey.descriptors[d], selector)) continue;
        matched = selection.descriptors[d] = true;
      }
    }
    if (!matched) selection.unmatched.push_back(selector);
  }
  for (std::size_t d = 0; d < survey.descriptors.size(); ++d) {
    if (selection.processes[number(survey.descriptors[d].process)]) selection.descriptors[d] = true;
  }
  return selection;
}

std::vector<ProcessIndex> chosen_processes(const Survey& survey, const Selection& selection) {
  std::vector<bool> chosen(survey.processes.size());
  for (std::uint32_t p = 0; p < chosen.size(); ++p) chosen[p] = selection.has(ProcessIndex{p});
  for (std::size_t row = 0; row < survey.descriptors.size(); ++row) {
    if (selection.has_row(row)) chosen[number(survey.descriptors[row].process)] = true;
  }
  std::vector<ProcessIndex> processes;
  for (std::uint32_t p = 0; p < chosen.size(); ++p) {
    if (chosen[p]) processes.push_back(ProcessIndex{p});
  }
  return processes;
}

std::vector<std::string> nearest(const Survey& survey, const Selector& selector,
                                 std::size_t limit) {
  Nearest best(selector.value, limit);
  const auto offer_socket = [&](const Socket& socket) {
    if (selector.sort == Selector::Sort::kPort && socket.local.port != 0) {
      best.offer(":" + std::to_string(socket.local.port), std::to_string(socket.local.port));
    }
    if (selector.sort == Selector::Sort::kPath && !socket.path.empty()) {
      std::string path(survey.texts.at(socket.path));
      if (path.front() == '\0') path.front() = '@';
      best.offer(path, path);
    }
  };
  for (const Process& process : survey.processes) {
    switch (selector.sort) {
      case Selector::Sort::kPid:
        best.offer(std::to_string(number(process.key.pid)));
        break;
      case Selector::Sort::kName:
        best.offer(std::string(survey.texts.at(process.name)));
        best.offer(std::string(program_of(survey, process)));
        break;
      case Selector::Sort::kUnit: {
        const std::string unit(read_cgroup(survey.texts.at(process.cgroup)).unit);
        best.offer("unit:" + unit, unit);
        best.offer("unit:" + unit, unit.substr(0, unit.rfind('.')));
        break;
      }
      case Selector::Sort::kCgroup: {
        const std::string cgroup(survey.texts.at(process.cgroup));
        best.offer("cgroup:" + cgroup, cgroup);
        break;
      }
      case Selector::Sort::kPort:
      case Selector::Sort::kPath:
        break;
    }
  }
  for (const Socket& socket : survey.sockets) offer_socket(socket);
  if (selector.sort == Selector::Sort::kPath) {
    for (const Descriptor& d : survey.descriptors) {
      if (!d.name.empty()) best.offer(std::string(survey.texts.at(d.name)));
    }
  }
  return best.take();
}

}  // namespace plumb::detect
