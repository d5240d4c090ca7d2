// SPDX-License-Identifier: Apache-2.0
// listener-closed: a listening socket was closed while its process lives on. By Go's finalizer it
// is always a mistake; by the process itself it is one where nobody listens there afterwards though
// clients are still connected.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "detect/finding/kinds.h"
#include "detect/finding/wording.h"
#include "detect/record/call_name.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr auto kServed = 10s;  // a listener that lived for less was a try

bool by_collector(const std::vector<Frame>& closer) {
  return std::ranges::any_of(closer, [](const Frame& frame) {
    return frame.function == "runtime.runfinq" || frame.function == "runtime.runFinalizers" ||
           frame.function == "runtime.runCleanups";
  });
}

bool somebody_listens(const Facts& facts, std::uint16_t port) {
  return std::ranges::any_of(facts.now.survey.sockets, [&](const Socket& socket) {
    return socket.state == SocketState::kListen && socket.local.port == port;
  });
}

std::uint64_t clients_at(const Facts& facts, std::uint16_t port) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(facts.now.survey.sockets, [&](const Socket& socket) {
        return socket.state == SocketState::kEstablished && socket.local.port == port;
      }));
}

struct Case {
  const Closing& closing;
  std::vector<Frame> closer;
  std::vector<Frame> opener;
  bool collected = false;
};

void describe(const Facts& facts, const Case& one, std::vector<Finding>& found) {
  const Closing& closing = one.closing;
  const auto process = find_process(facts.now.survey, closing.pid);
  if (!process && !one.collected) return;  // it closed up and went
  const std::uint16_t port = closing.listener ? closing.listener->port : 0;
  const std::uint64_t clients = port == 0 ? 0 : clients_at(facts, port);
  const auto lived = closing.time - closing.holding.born;
  if (port != 0 && somebody_listens(facts, port)) return;
  Finding finding;
  finding.id = id::kListenerClosed;
  if (process) finding.subject = subject_of(facts.now.survey, *process);
  const std::string who = process ? name_with_pid(facts.now.survey, *process)
                                  : fmt::format("({})", number(closing.pid));
  const std::string where =
      port == 0 ? std::string("its listener") : fmt::format("its listener :{}", port);
  finding.severity = one.collected || clients > 0 ? Severity::kCritical
                     : lived >= kServed           ? Severity::kWarning
                                                  : Severity::kInfo;
  finding.confidence = one.collected ? 0.98 : 0.8;
  finding.weight = 1;
  finding.summary = fmt::format(
      "{} closed {} {} ago{}", who, where, human_duration(facts.now.survey.taken - closing.time),
      one.collected ? ", by the garbage collector's finalizer: nothing kept it reachable" : "");
  finding.closer = one.closer;
  finding.stack = one.opener;
  const auto add = [&](std::string what, const std::vector<Frame>& stack) {
    if (stack.empty()) return;
    const Frame* frame = guilty_frame(stack);
    finding.evidence.push_back(
        {std::move(what), frame_text(frame == nullptr ? stack.front() : *frame)});
  };
  if (!one.collected) add("closed by", one.closer);
  if (one.collected)
    finding.evidence.push_back({"closed by", "runtime.runfinq, the finalizer goroutine"});
  add("opened by", one.opener);
  finding.evidence.push_back({"fd", fmt::format("{}, {} old, by {}", number(closing.holding.fd),
                                                human_duration(lived), call_name(closing.call))});
  if (clients > 0) {
    finding.evidence.push_back(
        {"clients", fmt::format("{} still connected to :{}", clients, port)});
  }
  finding.whose_move = who;
  const Frame* opener = guilty_frame(one.opener);
  finding.remedy =
      one.collected
          ? fmt::format(
                "{} must keep the listener (not its descriptor's number) in a variable that "
                "lives as long as it serves",
                opener == nullptr ? who : frame_text(*opener))
          : fmt::format("{} must not close the listener that it still serves", who);
  found.push_back(std::move(finding));
}

}  // namespace

void find_listener_closed(const Facts& facts, std::vector<Finding>& found) {
  if (facts.trace == nullptr) return;
  const TraceLedger& ledger = facts.trace->ledger;
  std::set<std::pair<Pid, std::uint16_t>> told;  // a listener and its duplicates are one
  for (const Closing& closing : ledger.closings()) {
    if (!closing.holding.listener) continue;
    const std::uint16_t port = closing.listener ? closing.listener->port : 0;
    if (closing.shared || !told.emplace(closing.pid, port).second) continue;
    Case one{closing, {}, {}, false};
    if (const auto closer = ledger.closer_of(closing)) {
      one.closer = frames_of(facts.trace->stacks, *closer);
    }
    if (const Site* opener = ledger.opener_of(closing)) {
      one.opener = frames_of(facts.trace->stacks, opener->stack);
    }
    one.collected = by_collector(one.closer);
    describe(facts, one, found);
  }
}

}  // namespace plumb::detect
