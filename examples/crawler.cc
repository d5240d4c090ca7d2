// SPDX-License-Identifier: Apache-2.0
// A crawler: follows the links of one site with a pool of connections, and looks only as far into
// each page as it wants to. Pages that are no text are asked for and left unread: with a body that
// can be forgotten, each of them would cost a connection.
//
// usage: crawler URL [MOST [AT-ONCE]]    default 100 pages, 8 at once
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <set>
#include <string>

#include "plumb/base/text.h"
#include "plumb/loop/event.h"
#include "plumb/loop/loop.h"
#include "plumb/loop/scope.h"
#include "plumb/web/client.h"

using namespace plumb;
using namespace plumb::runtime;

namespace {

struct Plan {
  std::size_t pages = 100;
  std::size_t at_once = 8;
};

struct Found {
  std::size_t pages = 0;
  std::size_t links = 0;
  std::size_t left_unread = 0;
  std::size_t failed = 0;
};

class Crawl {
 public:
  Crawl(Loop& loop, Client& client, Plan plan, const Url& start)
      : loop_(loop), client_(client), plan_(plan), origin_(start.origin()) {
    note(start);
  }

  // Takes addresses until there are none, and none can come any more.
  Task<> work() {
    while (!over()) {
      if (waiting_.empty()) {
        news_.reset();
        if (!co_await news_.wait()) co_return;
        continue;
      }
      const Url url = std::move(waiting_.front());
      waiting_.pop_front();
      ++under_way_;
      co_await look_at(url);
      --under_way_;
      news_.set(loop_);
    }
    news_.set(loop_);
  }

  const Found& found() const { return found_; }

 private:
  bool over() const { return waiting_.empty() && under_way_ == 0; }

  void note(const Url& url) {
    if (url.origin() != origin_ || seen_.size() == plan_.pages) return;
    if (seen_.insert(url.text()).second) waiting_.push_back(url);
  }

  Task<> look_at(const Url& url) {
    const std::string address = url.text();
    auto reply = co_await client_.open({.url = address});
    if (!reply || reply->status() != 200) {
      ++found_.failed;
      co_return;
    }
    ++found_.pages;
    if (!reply->head().field("content-type").value_or("").starts_with("text/html")) {
      ++found_.left_unread;
      co_return;  // the lease ends here, wherever its body stands
    }
    const auto page = co_await reply->read_all(1024 * 1024);
    if (page) follow(url, *page);
  }

  void follow(const Url& base, std::string_view page) {
    constexpr std::string_view kBefore = "href=\"";
    for (std::size_t at = 0; (at = page.find(kBefore, at)) != std::string_view::npos;) {
      at += kBefore.size();
      const std::size_t end = page.find('"', at);
      if (end == std::string_view::npos) return;
      ++found_.links;
      if (const auto url = base.resolve(page.substr(at, end - at))) note(*url);
    }
  }

  Loop& loop_;
  Client& client_;
  const Plan plan_;
  const std::string origin_;
  std::set<std::string> seen_;
  std::deque<Url> waiting_;
  std::size_t under_way_ = 0;
  Event news_;
  Found found_;
};

Task<> crawl(Loop& loop, Url start, Plan plan) {
  Network network(loop);
  Client client(network, {.per_host = plan.at_once});
  Crawl crawl(loop, client, plan, start);
  const auto all = [&](Scope& scope) -> Task<> {
    for (std::size_t i = 0; i < plan.at_once; ++i) scope.start(crawl.work());
    co_return;
  };
  co_await open_scope(all);
  const auto& found = crawl.found();
  const auto stats = client.stats();
  std::printf("%zu pages, %zu links, %zu left unread, %zu failed\n", found.pages, found.links,
              found.left_unread, found.failed);
  std::printf("%zu leased, %zu draining\n", stats.leased, stats.draining);
  for (const auto& site : stats.sites) {
    std::printf("%s: %llu requests\n", site.where.c_str(),
                static_cast<unsigned long long>(site.requests));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: crawler URL [MOST [AT-ONCE]]\n", stderr);
    return 2;
  }
  const auto start = Url::parse(argv[1]);
  if (!start) {
    std::fprintf(stderr, "crawler: %s\n", start.error().message().c_str());
    return 2;
  }
  Plan plan;
  if (argc > 2) plan.pages = parse_number<std::size_t>(argv[2]).value_or(plan.pages);
  if (argc > 3) plan.at_once = parse_number<std::size_t>(argv[3]).value_or(plan.at_once);
  auto loop = Loop::create();
  if (!loop) return 1;
  (*loop)->run(crawl(**loop, *start, plan));
}
