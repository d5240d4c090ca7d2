// SPDX-License-Identifier: Apache-2.0
// Waits and the ends of their chains in words.
#include <fmt/format.h>

#include <iterator>

#include "detect/model/command.h"
#include "detect/report/describe.h"
#include "detect/report/waits_document.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

class Words {
 public:
  Words(const WaitGraph& graph, const WaitLine& line)
      : joined_(graph.joined()), survey_(joined_.survey), line_(line) {}

  std::string text() {
    if (!line_.party) return doing();
    const Party& party = *line_.party;
    const bool many = line_.descriptors > 1;
    if (!line_.wait.call.empty()) text_.append("in ").append(line_.wait.call);
    if (party.kind == PartyKind::kTimer && !party.on) return append_sleep(party);
    if (many) {
      print(" · {} {}", human_count(line_.descriptors), name_of(joined_.row(*party.on).kind));
    } else if (party.on) {
      text_ += " · ";
      append_on(*party.on);
    }
    append_party(party, many);
    if (line_.timeout) print(", at most {}", human_duration(*line_.timeout));
    if (line_.threads > 1) print(" ({} threads)", human_count(line_.threads));
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  std::string doing() {
    const Thread& thread = survey_.threads[number(line_.thread)];
    switch (static_cast<char>(thread.state)) {
      case 'R':
        text_ = "runs";
        break;
      case 'Z':
      case 'X':
        text_ = "has ended";
        break;
      case 'T':
        text_ = "is stopped by a signal";
        break;
      case 't':
        text_ = "is held by a debugger";
        break;
      case 'D':
        text_ = "sleeps in the kernel";
        break;
      default:
        text_ = "waits, for what cannot be seen";
        break;
    }
    if (line_.threads > 1) print(" ({} threads)", human_count(line_.threads));
    return std::move(text_);
  }

  std::string append_sleep(const Party& party) {
    if (party.remaining) {
      if (party.remaining->count() < 0) {
        text_ += " · its time has come";
      } else {
        print(" · {} left", human_duration(*party.remaining));
      }
    } else if (line_.timeout) {
      print(" · {} at a time", human_duration(*line_.timeout));
    }
    if (line_.threads > 1) print(" ({} threads)", human_count(line_.threads));
    return std::move(text_);
  }

  void append_on(DescriptorIndex d) {
    const Descriptor& row = joined_.row(d);
    if (row.kind != Kind::kPipe && row.kind != Kind::kFile) {
      text_.append(name_of(row.kind)).append(" ");
    }
    append_name(text_, joined_, d);
  }

  void append_party(const Party& party, bool many) {
    switch (party.kind) {
      case PartyKind::kProcess:
        return append_whom(party);
      case PartyKind::kThread: {
        const Thread& owner = survey_.threads[number(*party.thread)];
        print(" → thread {} ", number(owner.tid));
        append_clean(text_, survey_.texts.at(owner.name));
        text_ += party.via == PartyVia::kJoin ? ", until it ends" : ", which has the mutex";
        return;
      }
      case PartyKind::kOwn:
        text_ += " → itself";
        return;
      case PartyKind::kClients:
        text_ += ", for whoever comes";
        return;
      case PartyKind::kOutside:
        text_ += party.accepted ? " → clients outside" : " → outside";
        return;
      case PartyKind::kNobody:
        text_ += " → nobody";
        return;
      case PartyKind::kUnseen:
        text_ +=
            party.via == PartyVia::kChild ? ", for a child that is not there" : " → not visible";
        return;
      case PartyKind::kTimer:
        if (party.remaining && many) print(", one in {}", human_duration(*party.remaining));
        return;
      case PartyKind::kSignal:
        if (!party.on) text_ += ", for a signal";
        return;
      case PartyKind::kFutex:
        text_ += ", for another thread";
        return;
      case PartyKind::kUnknown:
        if (party.via == PartyVia::kLock) text_ += ", for a lock";
        return;
      case PartyKind::kEvent:
      case PartyKind::kDevice:
        return;
    }
  }

  void append_whom(const Party& party) {
    switch (party.via) {
      case PartyVia::kChild:
      case PartyVia::kProcessFd:
        text_ += party.whom_total > 1 ? " · a child → " : " · child → ";
        break;
      case PartyVia::kLock:
        text_ += " → locked by ";
        break;
      case PartyVia::kTracer:
        text_ += "is held by its debugger → ";
        break;
      case PartyVia::kAcceptQueue:
        text_ += " → accept queue of ";
        break;
      case PartyVia::kSameFile:
        text_ += " = ";
        break;
      default:
        text_ += party.mutual ? " ⇄ " : " → ";
        break;
    }
    append_process(text_, survey_, survey_.processes[number(party.whom.front())]);
    if (party.whom_total > 1) print(", {} more", human_count(party.whom_total - 1));
    if (party.mutual) {
      text_ += ": each for the other";
    } else if (party.unread_there) {
      print(", {} unread there", human_size(*party.unread_there));
    }
  }

  const Joined& joined_;
  const Survey& survey_;
  const WaitLine& line_;
  std::string text_;
};

}  // namespace

std::string wait_line_text(const WaitGraph& graph, const WaitLine& line) {
  return Words(graph, line).text();
}

std::string chain_end_text(const WaitGraph& graph, const ChainEnd& end) {
  const Survey& survey = graph.joined().survey;
  std::string text;
  if (end.reason != EndReason::kLocked) {
    append_process(text, survey, survey.processes[number(end.way.back())]);
    return text.append(" ").append(sentence_of(end.reason));
  }
  if (end.ring.size() < 2) {
    append_process(text, survey, survey.processes[number(end.ring.front())]);
    return text.append(" waits for itself, for ever");
  }
  for (const ProcessIndex process : end.ring) {
    append_process(text, survey, survey.processes[number(process)]);
    text += " → ";
  }
  append_process(text, survey, survey.processes[number(end.ring.front())]);
  return text.append(": each waits for the next, for ever");
}

bool any_locked(const WaitsDocument& document) {
  for (const ProcessIndex process : document.asked) {
    if (!document.graph.can_go_on(process)) return true;
  }
  return false;
}

}  // namespace plumb::detect
