// SPDX-License-Identifier: Apache-2.0
// Surveys as facts of a recording. The places by which a survey's rows refer to each other are made
// anew, so that a row that is missing costs no more than itself.
#include <algorithm>
#include <functional>
#include <tuple>

#include "detect/record/fact_list.h"
#include "detect/record/survey_fields.h"

namespace plumb::detect {
namespace {

struct SurveyFact {
  Survey::Source source{};
  BootTime taken{};
  std::chrono::nanoseconds took{};
};

}  // namespace

template <>
struct Fields<SurveyFact> {
  static void list(auto& field, auto& row) {
    field("source", row.source);
    field("taken", row.taken);
    field("took", row.took);
  }
};

void FactList::begin_first() {
  first_ = true;
  const std::hash<std::string_view> hash;
  for (std::size_t i = 0; i < facts_.rows.size(); ++i) {
    rows_.emplace(hash(facts_.rows[i].json), i);
  }
}

void FactList::take(std::string_view record, std::string json, std::uint8_t looks) {
  if (json.size() > kLongestFact) {
    ++left_out_;
    return;
  }
  if (first_) {
    const auto same = rows_.find(std::hash<std::string_view>()(json));
    FactRow* row = same == rows_.end() ? nullptr : &facts_.rows[same->second];
    if (row != nullptr && row->record == record && row->json == json) {
      row->looks |= looks;
      return;
    }
  }
  const auto next = next_.try_emplace(std::string(record), 0).first;
  facts_.rows.push_back({std::string(record), next->second++, looks, std::move(json)});
}

namespace {

template <typename Fact>
std::size_t hash_of(const Fact& fact, const TextPool& pool) {
  return std::hash<std::string>()(to_fact(fact, &pool).dump());
}

}  // namespace

void FactList::add(DescriptorFact fact, const TextPool& pool) {
  const auto [same, is_new] =
      descriptors_.try_emplace(hash_of(fact, pool), facts_.descriptors.size());
  if (!is_new) {
    facts_.descriptors[same->second].looks |= fact.looks;
    return;
  }
  fact.row.name = facts_.texts.add(pool.at(fact.row.name));
  facts_.descriptors.push_back(std::move(fact));
}

void FactList::add(SocketFact fact, const TextPool& pool) {
  const auto [same, is_new] = sockets_.try_emplace(hash_of(fact, pool), facts_.sockets.size());
  if (!is_new) {
    facts_.sockets[same->second].looks |= fact.looks;
    return;
  }
  fact.row.path = facts_.texts.add(pool.at(fact.row.path));
  fact.place = static_cast<std::uint32_t>(facts_.sockets.size());
  facts_.sockets.push_back(std::move(fact));
}

void add_survey(const Survey& survey, std::uint8_t look, FactList& list) {
  const TextPool* pool = &survey.texts;
  list.add("survey", SurveyFact{survey.source, survey.taken, survey.took}, pool, look);
  std::vector<const ThreadWait*> waits(survey.threads.size());
  for (const ThreadWait& wait : survey.waits) {
    if (number(wait.thread) < waits.size()) waits[number(wait.thread)] = &wait;
  }
  for (const Process& process : survey.processes) {
    list.add("process", process, pool, look);
    for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
      const std::size_t at = process.first_thread + t;
      ThreadFact fact{process.key.pid, survey.threads[at], {}};
      if (waits[at] != nullptr) fact.wait = *waits[at];
      list.add("thread", fact, pool, look);
    }
  }
  const auto pid_of = [&](const Descriptor& row) { return survey.process_of(row).key.pid; };
  for (const Descriptor& row : survey.descriptors) {
    DescriptorFact fact{look, pid_of(row), row, {}};
    if (const Socket* socket = survey.socket_of(row)) fact.socket = socket->id;
    list.add(std::move(fact), survey.texts);
    if (const Detail* detail = survey.detail_of(row)) {
      list.add("detail", DetailFact{{pid_of(row), row.table, row.fd}, *detail}, pool, look);
    }
  }
  for (const Socket& socket : survey.sockets) list.add({0, look, socket}, survey.texts);
  for (const FileLock& lock : survey.locks) {
    LockFact fact{lock, {}};
    for (const DescriptorIndex held : lock.holds) {
      const Descriptor& row = survey.descriptors[number(held)];
      fact.holds.push_back({pid_of(row), row.table, row.fd});
    }
    list.add("lock", fact, pool, look);
  }
}

namespace {

class SurveyReader {
 public:
  SurveyReader(FactSource& source, std::uint8_t look) : source_(source), look_(look) {}

  Survey read() {
    each<SurveyFact>("survey", [&](SurveyFact& fact) {
      survey_.source = fact.source;
      survey_.taken = fact.taken;
      survey_.took = fact.took;
      return fact.took.count() >= 0;
    });
    read_processes();
    read_threads();
    read_descriptors();
    read_locks();
    return std::move(survey_);
  }

 private:
  template <typename T, typename Use>
  void each(std::string_view record, Use&& use) {
    source_.each<T>(record, look_, &survey_.texts, use);
  }

  std::optional<std::uint32_t> place_of(Pid pid) const {
    const auto found = std::ranges::lower_bound(survey_.processes, pid, {},
                                                [](const Process& one) { return one.key.pid; });
    if (found == survey_.processes.end() || found->key.pid != pid) return std::nullopt;
    return static_cast<std::uint32_t>(found - survey_.processes.begin());
  }

  void read_processes() {
    auto& all = survey_.processes;
    each<Process>("process", [&](Process& process) {
      all.push_back(process);
      return number(process.key.pid) > 0;
    });
    const auto pid = [](const Process& one) { return one.key.pid; };
    std::ranges::stable_sort(all, {}, pid);
    const auto again = std::ranges::unique(all, {}, pid);
    all.erase(again.begin(), again.end());
  }

  void read_threads() {
    std::vector<std::pair<std::uint32_t, ThreadFact>> facts;
    each<ThreadFact>("thread", [&](ThreadFact& fact) {
      const auto process = place_of(fact.pid);
      if (process) facts.emplace_back(*process, std::move(fact));
      return process.has_value();
    });
    std::ranges::stable_sort(facts, {}, [](const auto& one) { return one.first; });
    for (auto& [process, fact] : facts) {
      Process& owner = survey_.processes[process];
      const auto at = static_cast<std::uint32_t>(survey_.threads.size());
      if (owner.listed_threads++ == 0) owner.first_thread = at;
      survey_.threads.push_back(fact.row);
      if (!fact.wait) continue;
      fact.wait->thread = ThreadIndex{at};
      survey_.waits.push_back(std::move(*fact.wait));
    }
  }

  static auto key_of(const Descriptor& row) { return std::tuple(row.process, row.table, row.fd); }

  std::optional<DescriptorIndex> find(const HeldBy& held) const {
    const auto process = place_of(held.pid);
    if (!process) return std::nullopt;
    const std::tuple wanted(ProcessIndex{*process}, held.table, held.fd);
    const auto found = std::ranges::lower_bound(survey_.descriptors, wanted, {}, key_of);
    if (found == survey_.descriptors.end() || key_of(*found) != wanted) return std::nullopt;
    return DescriptorIndex{static_cast<std::uint32_t>(found - survey_.descriptors.begin())};
  }

  // The text of the recording in the survey's own pool.
  TextRef taken_up(TextRef text) { return survey_.texts.add(source_.facts().texts.at(text)); }

  void read_descriptors() {
    std::unordered_map<std::uint64_t, SocketIndex> sockets;
    for (const SocketFact& fact : source_.facts().sockets) {
      if ((fact.looks & look_) == 0) continue;
      const SocketIndex at{static_cast<std::uint32_t>(survey_.sockets.size())};
      if (!sockets.try_emplace(number(fact.row.id), at).second) {
        source_.count_senseless();
        continue;
      }
      survey_.sockets.push_back(fact.row);
      survey_.sockets.back().path = taken_up(fact.row.path);
    }
    for (const DescriptorFact& fact : source_.facts().descriptors) {
      if ((fact.looks & look_) == 0) continue;
      const auto process = place_of(fact.pid);
      if (!process) {
        source_.count_senseless();
        continue;
      }
      Descriptor& row = survey_.descriptors.emplace_back(fact.row);
      row.process = ProcessIndex{*process};
      row.detail.reset();
      const auto socket = fact.socket ? sockets.find(number(*fact.socket)) : sockets.end();
      row.socket = socket == sockets.end() ? std::nullopt : std::optional(socket->second);
      row.name = taken_up(fact.row.name);
    }
    std::ranges::stable_sort(survey_.descriptors, {}, key_of);
    const auto again = std::ranges::unique(survey_.descriptors, {}, key_of);
    survey_.descriptors.erase(again.begin(), again.end());
    each<DetailFact>("detail", [&](DetailFact& fact) {
      const auto row = find(fact.descriptor);
      if (!row) return false;
      survey_.descriptors[number(*row)].detail =
          DetailIndex{static_cast<std::uint32_t>(survey_.details.size())};
      survey_.details.push_back(std::move(fact.detail));
      return true;
    });
  }

  void read_locks() {
    each<LockFact>("lock", [&](LockFact& fact) {
      for (const HeldBy& held : fact.holds) {
        if (const auto row = find(held)) fact.row.holds.push_back(*row);
      }
      survey_.locks.push_back(std::move(fact.row));
      return true;
    });
  }

  FactSource& source_;
  std::uint8_t look_;
  Survey survey_;
};

}  // namespace

Survey read_survey(FactSource& source, std::uint8_t look) {
  return SurveyReader(source, look).read();
}

}  // namespace plumb::detect
