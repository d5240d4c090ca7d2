// SPDX-License-Identifier: Apache-2.0
// Request: what a handler is told: the head, the parameters of its route's pattern, and, for
// handlers that want it whole, the body.
//
// Lifetime: as long as the handler runs; all views point into it. Copy what must live longer.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plumb/base/result.h"
#include "plumb/http/head.h"

namespace plumb::runtime {

// The path of a request's target, taken apart. Segments are percent-decoded one by one, so an
// encoded slash is part of its segment.
class RequestPath {
 public:
  static constexpr std::size_t kMostSegments = 48;

  // The path of an origin or absolute form target (RFC 9112 section 3.2). Errors: EINVAL for a
  // broken percent-encoding, an encoded NUL, a segment "." or "..", or too many segments.
  static Result<RequestPath> parse(std::string_view target);

  std::string_view raw() const noexcept { return raw_; }      // without the query
  std::string_view query() const noexcept { return query_; }  // behind the question mark
  std::size_t size() const noexcept { return count_; }
  std::string_view operator[](std::size_t index) const noexcept { return segments_[index]; }
  // The segments from `first` on, decoded and joined by slashes.
  std::string rest(std::size_t first) const;

 private:
  std::string_view raw_;
  std::string_view query_;
  std::size_t count_ = 0;
  std::array<std::string_view, kMostSegments> segments_;
  std::unique_ptr<char[]> decoded_;  // only where something was encoded
};

struct PathParameter {
  std::string_view name;
  std::string_view value;
};

class Request {
 public:
  static constexpr std::size_t kMostParameters = 8;

  Request() = default;
  // `head` outlives it. Path and parameters come with the route (Router::find).
  explicit Request(const http::RequestHead& head) : head_(head) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  const http::RequestHead& head() const noexcept { return head_; }
  std::string_view method() const noexcept { return head_.method_text; }
  std::string_view target() const noexcept { return head_.target; }
  std::string_view path() const noexcept { return path_; }  // as sent, without the query
  std::string_view query() const noexcept { return query_; }

  // The first field of that name, in any case of letters.
  std::optional<std::string_view> field(std::string_view name) const {
    return head_.fields.find(name);
  }
  // What {name} of the route's pattern stands for, percent-decoded; empty when it has none.
  std::string_view parameter(std::string_view name) const noexcept;
  // The first value of that name in the query, decoded (a plus sign is a blank).
  std::optional<std::string> query_value(std::string_view name) const;
  // The body, for handlers that are given it whole; empty for those that read it themselves.
  std::string_view body() const noexcept { return body_; }

 private:
  friend class Router;
  friend class ServerConnection;

  http::RequestHead head_;
  std::string_view path_;
  std::string_view query_;
  std::vector<PathParameter> parameters_;
  std::string_view body_;
  std::string storage_;    // decoded parameters
  std::string head_text_;  // the head, where the connection's buffer is needed for the body
  std::string body_text_;
};

// Percent-decodes; a plus sign is a blank where `plus_is_blank`. Nothing for a broken encoding.
enum class Plus : bool { kItself, kBlank };
std::optional<std::string> percent_decode(std::string_view text, Plus plus = Plus::kItself);

}  // namespace plumb::runtime
