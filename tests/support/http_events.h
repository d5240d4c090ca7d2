// SPDX-License-Identifier: Apache-2.0
// Runs the HTTP parsers over bytes that are cut in any way, and writes down what they say in one
// canonical text: pieces of a body are joined, so that two cuts of the same bytes compare equal.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/http/parser.h"

namespace plumb::test {

// The text of everything that a parser said about one connection.
class EventLog {
 public:
  void head(const http::RequestHead& head) {
    flush();
    text_ += "request " + std::string(head.method_text) + " " + std::string(head.target);
    section(head.version, head.fields, head.framing);
  }
  void head(const http::ResponseHead& head) {
    flush();
    text_ += "response " + std::to_string(head.status) + " \"" + std::string(head.reason) + "\"";
    section(head.version, head.fields, head.framing);
  }
  void body(std::string_view piece) { body_ += piece; }
  void end(http::Fields trailers) {
    flush();
    text_ += "end";
    for (const http::Field field : trailers) add(field);
    text_ += "\n";
  }
  void word(std::string_view word) {
    flush();
    text_ += word;
    text_ += "\n";
  }
  std::string take() {
    flush();
    return std::move(text_);
  }

 private:
  void add(http::Field field) {
    text_ += " [" + std::string(field.name) + "=" + std::string(field.value) + "]";
  }
  void section(http::Version version, http::Fields fields, const http::Framing& framing) {
    text_ += version == http::Version::kHttp10 ? " 1.0" : " 1.1";
    for (const http::Field field : fields) add(field);
    text_ += " " + std::string(name(framing.kind));
    if (framing.kind == http::BodyKind::kLength) text_ += "=" + std::to_string(framing.length);
    text_ += framing.persistence == http::Persistence::kKeep ? " keep\n" : " close\n";
  }
  void flush() {
    if (!body_.empty()) text_ += "body " + body_ + "\n";
    body_.clear();
  }

  std::string text_;
  std::string body_;
};

// Answers each request of a connection the same way.
struct Feed {
  http::Limits limits = {};
  http::RequestContext answers = {};  // for responses
  int requests = 1 << 20;             // that wait for an answer
  bool closes = true;                 // the peer closes behind the last byte
};

inline void before_head(http::RequestParser&, Feed&) {}
inline void before_head(http::ResponseParser& parser, Feed& feed) {
  if (!parser.expecting() && feed.requests-- > 0) parser.expect(feed.answers);
}

// Offers `bytes` in pieces that end at each of `cuts` (ascending) and at the end. Every offer lies
// in memory of its exact size, so that a sanitizer sees a read beyond it and a stale view. `Log`
// takes what an EventLog takes.
template <typename Parser, typename Log = EventLog>
auto run(std::string_view bytes, const std::vector<std::size_t>& cuts, Feed feed = {}) {
  Parser parser(feed.limits);
  Log log;
  std::string unread;
  bool stopped = false;
  const auto drain = [&] {
    while (!stopped) {
      const std::unique_ptr<char[]> memory(new char[unread.size()]);
      unread.copy(memory.get(), unread.size());
      before_head(parser, feed);
      const http::Step step = parser.next({memory.get(), unread.size()});
      if (step.event == http::Event::kHead) log.head(parser.head());
      if (step.event == http::Event::kBody) log.body(step.body);
      if (step.event == http::Event::kEnd) log.end(parser.trailers());
      unread.erase(0, step.consumed);
      if (step.event == http::Event::kNeedMore) return;
      if (step.event == http::Event::kHeld) {
        log.word("held");
        stopped = true;
      }
      if (step.event == http::Event::kFault) {
        log.word("fault " + std::string(name(parser.fault())));
        stopped = true;
      }
    }
  };
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size() && !stopped; ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : bytes.size();
    unread += bytes.substr(at, to - at);
    at = to;
    drain();
  }
  if (!stopped && feed.closes) {
    if (const auto fault = parser.closed()) {
      log.word("fault " + std::string(name(*fault)));
    } else if (!parser.between_messages()) {
      drain();
    }
  }
  return log.take();
}

inline std::vector<std::size_t> every_byte(std::string_view bytes) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < bytes.size(); ++i) cuts.push_back(i);
  return cuts;
}

// What the parser says of `bytes`, where it says the same whole, byte by byte and at every split
// into two; else the two texts that differ.
template <typename Parser>
std::string run_all_cuts(std::string_view bytes, const Feed& feed = {}) {
  const std::string whole = run<Parser>(bytes, {}, feed);
  const auto differs = [&](const std::string& cut, const std::string& how) {
    return "NOT THE SAME " + how + "\nwhole:\n" + whole + how + ":\n" + cut;
  };
  if (const auto cut = run<Parser>(bytes, every_byte(bytes), feed); cut != whole) {
    return differs(cut, "byte by byte");
  }
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    if (const auto cut = run<Parser>(bytes, {i}, feed); cut != whole) {
      return differs(cut, "split at " + std::to_string(i));
    }
  }
  return whole;
}

}  // namespace plumb::test
