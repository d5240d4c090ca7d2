// SPDX-License-Identifier: Apache-2.0
// The loop of a capture: pieces as they come, rows as exchanges end, and what is left at the end.
#include "app/cli/http_run.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <span>

#include "app/cli/http_live.h"
#include "app/cli/tls_watch.h"
#include "detect/model/exchange_legs.h"
#include "detect/model/wait_reader.h"
#include "detect/report/http_document.h"
#include "detect/source/capture_source.h"
#include "detect/source/survey_source.h"
#include "detect/symbol/tls_places.h"
#include "plumb/base/unique_fd.h"

namespace plumb::app {
namespace {

using namespace detect;
using namespace std::chrono_literals;

std::chrono::nanoseconds wall_offset() {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return std::chrono::seconds(wall.tv_sec) + std::chrono::nanoseconds(wall.tv_nsec) -
         BootClock::now().time_since_epoch();
}

class Run {
 public:
  Run(Context& context, const HttpPlan& plan, CaptureSource& source)
      : context_(context),
        plan_(plan),
        source_(source),
        paper_(context.paper()),
        tls_(source),
        live_(context, !plan.json) {}

  Exit run();

 private:
  Result<void> listen(std::chrono::milliseconds timeout);
  void pass();
  // What is under way, where somebody looks on.
  void show();
  // Those that were passed over and stall.
  void look_at_passed_over();
  bool over() const;
  // The sockets of the chosen as they are now.
  std::map<std::uint64_t, SocketStanding> look_at_sockets();
  HttpDocument document(std::vector<Exchange> exchanges) const;
  Exit report();

  Context& context_;
  const HttpPlan& plan_;
  CaptureSource& source_;
  Paper paper_;
  TlsWatch tls_;
  HttpLive live_;
  BootTime shown_{};
  BootTime looked_over_{};
  std::size_t ended_ = 0;
  ExchangeLedger ledger_;
  std::set<Pid> alive_;
  std::vector<Exchange> all_;  // finished, for the archive and the legs
  std::vector<std::string> blinds_;
  BootTime began_{};
  bool stop_ = false;
};

Result<void> Run::listen(std::chrono::milliseconds timeout) {
  return source_.poll(timeout, [this](CapturePiece piece) {
    if (piece.what == CapturePiece::What::kExit) alive_.erase(piece.pid);
    tls_.heard(piece);
    ledger_.add(std::move(piece));
  });
}

void Run::look_at_passed_over() {
  constexpr auto kStalls = 1s;
  const BootTime now = BootClock::now();
  if (now - looked_over_ < kStalls || source_.losses().passed_over == 0) return;
  looked_over_ = now;
  source_.take_passed_over(kStalls, [this](CapturePiece piece) { ledger_.add(std::move(piece)); });
}

HttpDocument Run::document(std::vector<Exchange> exchanges) const {
  HttpDocument document{ledger_, std::move(exchanges), source_.losses()};
  document.secrets = plan_.secrets;
  document.now = BootClock::now();
  document.duration = document.now - began_;
  document.wall = wall_offset();
  document.blinds = tls_.blinds();
  document.blinds.insert(document.blinds.end(), blinds_.begin(), blinds_.end());
  return document;
}

// Prints what has ended. A leg towards the origin ends before the one that it serves, so both are
// here when the latter is printed, unless the answer was passed on before it was complete.
void Run::pass() {
  ledger_.settle(BootClock::now());
  auto finished = ledger_.take_finished();
  if (finished.empty()) return;
  constexpr std::size_t kRemembered = 50'000;
  const std::size_t fresh = finished.size();
  if (all_.size() > kRemembered && plan_.har.empty()) {
    all_.erase(all_.begin(), all_.begin() + kRemembered / 2);
  }
  for (Exchange& exchange : finished) all_.push_back(std::move(exchange));
  ended_ += fresh;
  shown_ = {};
  live_.clear();
  constexpr std::size_t kLookBack = 2000;  // exchanges: legs are near each other
  const std::span<Exchange> every(all_);
  match_legs(ledger_, every.last(std::min(all_.size(), fresh + kLookBack)));
  const auto ended = every.last(fresh);
  const HttpDocument printed = document({ended.begin(), ended.end()});
  if (plan_.json) {
    write_exchanges_json(printed, context_.out.sink());
  } else {
    write_http_rows(printed, paper_, context_.out.sink());
  }
  (void)context_.out.finish();
}

void Run::show() {
  constexpr auto kOften = 250ms;
  const BootTime now = BootClock::now();
  if (!live_.draws() || now - shown_ < kOften) return;
  shown_ = now;
  auto open = ledger_.under_way([this](SocketInode socket) {
    const auto [received, sent] = source_.lost_of(socket);
    SocketStanding standing;
    standing.lost = received + sent;
    return standing;
  });
  // What ends at once is not worth a line.
  std::erase_if(open, [&](const Exchange& exchange) {
    return !exchange.http.request || now - exchange.http.request->began < kOften;
  });
  std::ranges::sort(open, {}, [](const Exchange& e) { return e.http.request->began; });
  live_.draw(document(std::move(open)), ended_);
}

std::map<std::uint64_t, SocketStanding> Run::look_at_sockets() {
  std::map<std::uint64_t, SocketStanding> standings;
  auto source = open_survey();
  if (!source) return standings;
  const auto survey = (*source)->take({.waits = true});
  if (!survey) return standings;
  const Joined joined(*survey);
  const WaitReader reader(joined);
  std::vector<bool> waited(survey->descriptors.size());
  for (std::uint32_t p = 0; p < survey->processes.size(); ++p) {
    const Process& process = survey->processes[p];
    for (std::uint32_t t = 0; t < process.listed_threads; ++t) {
      reader.visit_waited(ProcessIndex{p}, ThreadIndex{process.first_thread + t},
                          [&](DescriptorIndex d, WaitEvidence) { waited[number(d)] = true; });
    }
  }
  std::uint64_t rings = 0;
  for (std::size_t d = 0; d < survey->descriptors.size(); ++d) {
    const Descriptor& row = survey->descriptors[d];
    if (row.kind == Kind::kIoUring && alive_.contains(survey->process_of(row).key.pid)) ++rings;
    const Socket* socket = survey->socket_of(row);
    if (socket == nullptr) continue;
    const auto [at, fresh] = standings.try_emplace(socket->inode);
    SocketStanding& standing = at->second;
    standing.unread = socket->receive_queue.value_or(0);
    standing.waited_on = (!fresh && standing.waited_on) || waited[d];
  }
  if (rings != 0 && source_.losses().unreadable != 0) {
    blinds_.push_back(std::to_string(rings) +
                      " io_uring rings: not all that went over sockets through them could be read");
  }
  return standings;
}

bool Run::over() const {
  if (stop_ || alive_.empty()) return true;
  return plan_.duration && BootClock::now() - began_ >= *plan_.duration;
}

Exit Run::report() {
  live_.clear();
  source_.take_passed_over(0s, [this](CapturePiece piece) { ledger_.add(std::move(piece)); });
  ledger_.settle_all();
  pass();
  const auto standings = look_at_sockets();
  auto open = ledger_.under_way([&](SocketInode socket) {
    const auto known = standings.find(number(socket));
    SocketStanding standing = known == standings.end() ? SocketStanding{} : known->second;
    const auto [received, sent] = source_.lost_of(socket);
    standing.lost = received + sent;
    return standing;
  });
  std::vector<Exchange> everything = std::move(all_);
  const std::size_t finished = everything.size();
  for (Exchange& exchange : open) everything.push_back(std::move(exchange));
  match_legs(ledger_, everything);
  HttpDocument whole = document(std::move(everything));
  HttpDocument under_way = document(
      {whole.exchanges.begin() + static_cast<std::ptrdiff_t>(finished), whole.exchanges.end()});
  if (plan_.json) {
    write_exchanges_json(under_way, context_.out.sink());
    write_capture_json(whole, context_.out.sink());
  } else {
    write_http_rows(under_way, paper_, context_.out.sink());
    write_http_summary(whole, paper_, context_.out.sink());
  }
  // What was said may be nobody else's business.
  const auto archive = [&](const Sink& sink) { write_http_har(whole, sink); };
  if (!write_file(plan_.har, archive, 0600)) return Exit::kNotPossible;
  const bool stuck = std::ranges::any_of(
      whole.exchanges, [&](const Exchange& exchange) { return is_stuck(whole, exchange); });
  return stuck ? Exit::kFindings : Exit::kOk;
}

Exit Run::run() {
  sigset_t wanted{};
  sigset_t before{};
  ::sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&wanted, signal);
  ::sigprocmask(SIG_BLOCK, &wanted, &before);
  began_ = BootClock::now();
  for (const Pid pid : plan_.processes) {
    if (const auto followed = source_.follow(pid); !followed) {
      complain(followed.error().message());
      break;
    }
    alive_.insert(pid);
  }
  tls_.look_into(plan_.processes);
  // Made last: whoever waits for it to appear knows that all is seen from then on.
  const UniqueFd signals(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  // One that ended before it was followed will not tell of its end.
  std::erase_if(alive_, [](Pid pid) { return ::kill(number(pid), 0) != 0 && errno == ESRCH; });
  if (!plan_.json) {
    write_http_heading(paper_, context_.out.sink());
    (void)context_.out.finish();
  }
  while (!over()) {
    std::array<pollfd, 3> ready{{{source_.wait_descriptor(), POLLIN, 0},
                                 {source_.news_descriptor(), POLLIN, 0},
                                 {signals.get(), POLLIN, 0}}};
    ::poll(ready.data(), ready.size(), 100);
    signalfd_siginfo info{};
    stop_ |= ::read(signals.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info);
    if (const auto heard = listen(0ms); !heard) {
      complain(heard.error().message());
      stop_ = true;
    }
    tls_.attend();
    look_at_passed_over();
    pass();
    show();
    // So that a busy server's pieces come in batches, not one wake-up each.
    ::poll(&ready[1], 2, 20);
  }
  (void)listen(0ms);
  const Exit status = report();
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return status;
}

}  // namespace

Exit run_http(Context& context, const HttpPlan& plan) {
  auto source = open_capture(CaptureHooks::kBest, find_tls_places);
  if (!source) {
    complain(source.error().message());
    return Exit::kNotPossible;
  }
  return Run(context, plan, **source).run();
}

}  // namespace plumb::app
