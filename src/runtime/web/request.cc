// SPDX-License-Identifier: Apache-2.0
// Taking a target apart (RFC 3986 sections 2.1 and 3.3).
#include "plumb/web/request.h"

#include <algorithm>
#include <cerrno>

#include "plumb/http/field_text.h"

namespace plumb::runtime {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = http::lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Decodes into `out`, which has room for text.size(). Gives the end; null for a broken encoding.
char* decode_into(std::string_view text, char* out, Plus plus) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::kBlank) {
      *out++ = ' ';
    } else if (text[i] != '%') {
      *out++ = text[i];
    } else {
      if (text.size() - i < 3) return nullptr;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return nullptr;
      *out++ = static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

// The path and query of an absolute form target.
std::string_view without_authority(std::string_view target) {
  if (target.starts_with('/') || target == "*") return target;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return "/";
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

Error broken(std::string_view target) {
  return fail("read target", std::string(target), EINVAL, "it is no path that a route could have");
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string decoded(text.size(), '\0');
  const char* const end = decode_into(text, decoded.data(), plus);
  if (end == nullptr) return std::nullopt;
  decoded.resize(static_cast<std::size_t>(end - decoded.data()));
  return decoded;
}

Result<RequestPath> RequestPath::parse(std::string_view target) {
  RequestPath path;
  const std::string_view local = without_authority(target);
  const std::size_t question = local.find('?');
  path.raw_ = local.substr(0, question);
  if (question != std::string_view::npos) path.query_ = local.substr(question + 1);
  std::string_view rest = path.raw_;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  char* at = nullptr;
  if (rest.find('%') != std::string_view::npos) {
    path.decoded_ = std::make_unique<char[]>(rest.size());
    at = path.decoded_.get();
  }
  for (bool more = true; more;) {
    const std::size_t slash = rest.find('/');
    std::string_view segment = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    if (more) rest.remove_prefix(slash + 1);
    if (at != nullptr) {
      char* const end = decode_into(segment, at, Plus::kItself);
      if (end == nullptr) return broken(target);
      segment = {at, static_cast<std::size_t>(end - at)};
      at = end;
      if (segment.find('\0') != std::string_view::npos) return broken(target);
    }
    if (segment == "." || segment == ".." || path.count_ == kMostSegments) return broken(target);
    path.segments_[path.count_++] = segment;
  }
  return path;
}

std::string RequestPath::rest(std::size_t first) const {
  std::string joined;
  for (std::size_t i = first; i < count_; ++i) {
    if (i != first) joined += '/';
    joined += segments_[i];
  }
  return joined;
}

std::string_view Request::parameter(std::string_view name) const noexcept {
  for (const PathParameter& parameter : parameters_) {
    if (parameter.name == name) return parameter.value;
  }
  return {};
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string_view rest = query_;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equals), Plus::kBlank) != name) continue;
    return percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::kBlank);
  }
  return std::nullopt;
}

}  // namespace plumb::runtime
