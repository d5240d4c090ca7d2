// SPDX-License-Identifier: Apache-2.0
// accept-starved: connections wait in a listener's queue and nobody takes them: because the table
// of the server is full, or because it does something else. What it does meanwhile is its strategy:
// it spins, pauses, or sheds (accepts with a descriptor kept in reserve, and closes at once). A
// server with a limit of its own sheds at that, with room in its table.
#include <fmt/format.h>

#include <algorithm>

#include "detect/finding/kinds.h"
#include "detect/finding/sites.h"
#include "detect/finding/wording.h"
#include "detect/model/wait.h"
#include "detect/model/waiting.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kRoom = 2;
constexpr std::uint32_t kFewestLooks = 4;
constexpr std::uint64_t kSheds = 3;
// It may have filled up while it was looked at; a server that has room keeps more than it ends.
constexpr std::uint64_t kRefusedPerKept = 2;

bool is_full(const Facts& facts, ProcessIndex p) {
  const auto limit = facts.process(p).descriptor_limit;
  return limit && facts.now.tables.size_of(p) + kRoom >= *limit;
}

class Looker {
 public:
  Looker(const Facts& facts, DescriptorIndex listener)
      : facts_(facts),
        listener_(listener),
        row_(facts.now.row(listener)),
        socket_(*facts.now.survey.socket_of(row_)) {}

  std::optional<Finding> look() {
    const TrackedListener* tracked = facts_.observation.find(SocketKey{socket_.id, socket_.inode});
    if (tracked == nullptr || tracked->looks < kFewestLooks) return std::nullopt;
    const std::uint32_t queue = socket_.accept_queue.value_or(0);
    const bool lasting = queue > 0 && 5 * tracked->looks_with_queue >= 4 * tracked->looks;
    const auto full = full_holder();
    const std::uint64_t shed = full ? shed_by(*full) : refused_by_all(*tracked);
    const bool starved = lasting && (full || tracked->newcomers == 0);
    if (!starved && shed < kSheds) return std::nullopt;
    return describe(*tracked, queue, full, shed);
  }

 private:
  std::vector<ProcessIndex> holders() const {
    std::vector<ProcessIndex> all;
    for (const DescriptorIndex d : facts_.now.sharing.holders_of(listener_)) {
      all.push_back(facts_.now.row(d).process);
    }
    if (all.empty()) all.push_back(row_.process);
    return all;
  }

  std::optional<ProcessIndex> full_holder() const {
    for (const ProcessIndex p : holders()) {
      if (is_full(facts_, p)) return p;
    }
    return std::nullopt;
  }

  // Connections that were accepted and closed at once, by the trace.
  std::uint64_t shed_by(ProcessIndex p) const {
    if (facts_.trace == nullptr) return 0;
    std::uint64_t most = 0;
    for (const Site& site : facts_.trace->ledger.sites()) {
      const bool others = std::ranges::any_of(site.samples, [&](const HoldingSample& sample) {
        return sample.pid != facts_.process(p).key.pid;
      });
      if (!accepts(site) || others || site.created != site.closed) continue;
      most = std::max(most, site.closed);
    }
    return most;
  }

  // Connections that were closed without a byte being read of them, where some are kept and few
  // newcomers are: the server is full by its own count.
  std::uint64_t refused_by_all(const TrackedListener& tracked) const {
    if (socket_.local.port == 0) return 0;
    std::uint64_t refused = 0;
    std::uint64_t kept = 0;
    for (const ProcessIndex p : holders()) {
      for (const Refusals& one : facts_.refusals) {
        const bool here = one.pid == facts_.process(p).key.pid && one.port == socket_.local.port;
        if (here) refused += one.count;
      }
      kept += served_by(p);
    }
    return kept > 0 && kRefusedPerKept * tracked.newcomers <= refused ? refused : 0;
  }

  // Its connections of the listener's port.
  std::uint64_t served_by(ProcessIndex p) const {
    std::uint64_t own = 0;
    const auto rows = facts_.now.tables.rows_of(p);
    for (std::uint32_t d = rows.first; d < rows.last; ++d) {
      const Socket* socket = facts_.now.survey.socket_of(facts_.now.survey.descriptors[d]);
      own += socket != nullptr && socket->local.port == socket_.local.port &&
             socket->state == SocketState::kEstablished;
    }
    return own;
  }

  // Whoever has connections of this port serves it; without any, the one that began last.
  ProcessIndex server() const {
    ProcessIndex best = row_.process;
    std::uint64_t most = 0;
    for (const ProcessIndex p : holders()) {
      const std::uint64_t own = served_by(p);
      if (own >= most) {
        most = own;
        best = p;
      }
    }
    return best;
  }

  std::string strategy(ProcessIndex p, std::uint64_t shed, bool full) const {
    if (shed >= kSheds) {
      return fmt::format("sheds: accepted {} and closed them {}", human_count(shed),
                         full ? "at once" : "without reading from them");
    }
    const Tracked* tracked = facts_.tracked(p);
    if (tracked == nullptr) return {};
    // On a busy machine one that pauses is ready to run at most looks too; but it sleeps in
    // between.
    const bool sleeps = 6 * tracked->slept >= tracked->looks;
    if (10 * tracked->running >= 7 * tracked->looks && !sleeps) {
      return fmt::format("spins: it ran at {} of {} looks", tracked->running, tracked->looks);
    }
    // Where it ran at the last look, what it slept in at the others is not kept.
    return tracked->wait ? fmt::format("pauses: it sleeps in {}", wait_of(*tracked->wait).call)
                         : fmt::format("pauses: it slept before {} of {} looks", tracked->slept,
                                       tracked->looks);
  }

  std::string where() const {
    return socket_.local.port != 0 ? fmt::format(":{}", socket_.local.port)
                                   : socket_text(facts_.now.survey, socket_);
  }

  std::string summary(const std::string& who, std::uint32_t queue, bool full,
                      std::uint64_t shed) const {
    if (shed >= kSheds && (queue == 0 || !full)) {
      return fmt::format("{} turns clients away at {}: {}", who, where(),
                         full ? "its table is full" : "it has as many as it takes");
    }
    return fmt::format("{} {} at {}, and {} does not accept{}", counted(queue, "client", "clients"),
                       queue == 1 ? "waits" : "wait", where(), who,
                       full ? ": its table is full" : "");
  }

  Finding describe(const TrackedListener& tracked, std::uint32_t queue,
                   std::optional<ProcessIndex> full, std::uint64_t shed) const {
    const ProcessIndex p = full ? *full : server();
    const std::string who = name_with_pid(facts_.now.survey, p);
    Finding finding;
    finding.id = id::kAcceptStarved;
    finding.subject = subject_of(facts_.now.survey, p);
    finding.severity = Severity::kCritical;
    finding.confidence = full ? 0.95 : 0.85;
    finding.weight = std::max<std::uint64_t>(queue, shed);
    const bool by_count = shed >= kSheds && !full;
    finding.summary = summary(who, queue, full.has_value(), shed);
    finding.evidence.push_back(
        {"queue",
         fmt::format("{} of {}, from {} to {} while observed; {} accepted and kept", queue,
                     socket_.backlog.value_or(0), tracked.least, tracked.most, tracked.newcomers)});
    if (full) {
      finding.evidence.push_back(
          {"table", fmt::format("{} of {} descriptors open: accept fails with EMFILE",
                                facts_.now.tables.size_of(p),
                                facts_.process(p).descriptor_limit.value_or(0))});
    }
    if (by_count) {
      finding.evidence.push_back(
          {"it keeps",
           fmt::format("{} at that port", counted(served_by(p), "connection", "connections"))});
    }
    if (const std::string text = strategy(p, shed, full.has_value()); !text.empty()) {
      finding.evidence.push_back({"meanwhile it", text});
    }
    finding.whose_move = who;
    finding.remedy = full ? who +
                                " must close idle connections at its limit, and keep one "
                                "descriptor in reserve to turn the others away"
                     : by_count ? who +
                                      " needs a higher limit of clients, or must close idle ones "
                                      "at it"
                                : fmt::format(
                                      "{} must come back to accept(): see what it does "
                                      "instead (plumb tree {})",
                                      who, number(facts_.process(p).key.pid));
    add_wait(p, full.has_value() || by_count, finding);
    return finding;
  }

  // What it waits for instead, and whom: the next step of the chain.
  void add_wait(ProcessIndex p, bool full, Finding& finding) const {
    if (full) return;
    const std::vector<ProcessIndex> one{p};
    for (const Waiting& waiting : waiting_of(facts_.now, one)) {
      if (waiting.evidence != WaitEvidence::kArgument || waiting.call.empty()) continue;
      finding.evidence.push_back(
          {"it waits in",
           fmt::format("{} · {}{}", waiting.call, name_of(waiting.kind),
                       waiting.whom ? " → " + name_with_pid(facts_.now.survey, *waiting.whom)
                                    : std::string())});
      if (waiting.whom) finding.leads_to.push_back(facts_.process(*waiting.whom).key);
    }
  }

  const Facts& facts_;
  DescriptorIndex listener_;
  const Descriptor& row_;
  const Socket& socket_;
};

}  // namespace

void find_accept_starved(const Facts& facts, std::vector<Finding>& found) {
  const Survey& survey = facts.now.survey;
  std::vector<bool> seen(survey.sockets.size());
  for (std::uint32_t d = 0; d < survey.descriptors.size(); ++d) {
    const Descriptor& row = survey.descriptors[d];
    const Socket* socket = survey.socket_of(row);
    if (socket == nullptr || socket->state != SocketState::kListen) continue;
    if (seen[number(*row.socket)]) continue;
    seen[number(*row.socket)] = true;
    if (auto finding = Looker(facts, DescriptorIndex{d}).look())
      found.push_back(*std::move(finding));
  }
}

}  // namespace plumb::detect
