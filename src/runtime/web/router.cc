// SPDX-License-Identifier: Apache-2.0
// Patterns as a tree of segments, and the search in it.
#include "plumb/web/router.h"

#include <algorithm>
#include <cerrno>
#include <map>

namespace plumb::runtime {
namespace {

// "{id}" gives "id"; nothing for a literal.
std::optional<std::string_view> parameter_of(std::string_view segment) {
  if (!segment.starts_with('{') || !segment.ends_with('}')) return std::nullopt;
  return segment.substr(1, segment.size() - 2);
}

struct Captures {
  std::array<std::size_t, Request::kMostParameters> segments{};
  std::size_t count = 0;
};

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> any;   // {name}
  std::unique_ptr<Node> rest;  // {name...}
  std::vector<Route> routes;   // of the pattern that ends here, one for each method

  struct End {
    const Node* node = nullptr;
    std::size_t rest_from = 0;  // first segment that {name...} took
  };

  // Literals first; goes back where that led nowhere. The depth is that of the patterns, and each
  // node has at most three ways on, so a pattern tree of depth d costs at most 2^d visits.
  End find(const RequestPath& path, std::size_t at, Captures& captures) const {
    if (at == path.size() && !routes.empty()) return {this, at};
    if (at < path.size()) {
      if (const auto it = literals.find(path[at]); it != literals.end()) {
        if (const End end = it->second->find(path, at + 1, captures); end.node != nullptr) {
          return end;
        }
      }
      if (any && !path[at].empty()) {
        captures.segments[captures.count++] = at;
        if (const End end = any->find(path, at + 1, captures); end.node != nullptr) return end;
        --captures.count;
      }
    }
    if (rest) return {rest.get(), at};
    return {};
  }

  const Route* of_method(std::string_view method) const {
    for (const Route& route : routes) {
      if (route.method == method) return &route;
    }
    return nullptr;
  }

  std::string allow() const {
    std::string list;
    const auto add = [&](std::string_view method) {
      if (!list.empty()) list += ", ";
      list += method;
    };
    for (const Route& route : routes) add(route.method);
    if (of_method("GET") != nullptr && of_method("HEAD") == nullptr) add("HEAD");
    if (of_method("OPTIONS") == nullptr) add("OPTIONS");
    return list;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::insert(std::string_view method, std::string_view pattern, Handler handler,
                    RouteOptions options, std::source_location site) {
  const auto refuse = [&](int code, const char* advice) {
    if (verdict_) verdict_ = fail("add route", std::string(pattern), code, advice);
  };
  if (!pattern.starts_with('/')) return refuse(EINVAL, "a pattern begins with a slash");
  Node* node = root_.get();
  std::string_view left = pattern.substr(1);
  std::size_t parameters = 0;
  for (bool more = true; more;) {
    const std::size_t slash = left.find('/');
    const std::string_view segment = left.substr(0, slash);
    more = slash != std::string_view::npos;
    if (more) left.remove_prefix(slash + 1);
    const auto name = parameter_of(segment);
    if (!name) {
      if (segment.find_first_of("{}") != std::string_view::npos) {
        return refuse(EINVAL, "a parameter is a whole segment");
      }
      auto& next = node->literals[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
      continue;
    }
    const bool takes_rest = name->ends_with("...");
    if (++parameters > Request::kMostParameters) return refuse(EINVAL, "at most 8 parameters");
    if (takes_rest && more) return refuse(EINVAL, "what takes the rest stands at the end");
    if (name->empty() || *name == "...") return refuse(EINVAL, "a parameter has a name");
    auto& next = takes_rest ? node->rest : node->any;
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  if (node->of_method(method) != nullptr) return refuse(EEXIST, "it has a handler already");
  node->routes.push_back(
      {std::string(method), std::string(pattern), std::move(handler), options, site});
}

Router::Found Router::find(Request& request) const {
  const auto& head = request.head_;
  request.parameters_.clear();
  if (head.target == "*") {  // OPTIONS of the server itself
    return {.status = 200, .allow = "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"};
  }
  const auto path = RequestPath::parse(head.target);
  if (!path) return {.status = 400, .allow = {}};
  request.path_ = path->raw();
  request.query_ = path->query();
  Captures captures;
  const auto end = root_->find(*path, 0, captures);
  if (end.node == nullptr) return {.status = 404, .allow = {}};
  const Route* route = end.node->of_method(head.method_text);
  if (route == nullptr && head.method == http::Method::kHead) route = end.node->of_method("GET");
  if (route == nullptr) {
    const bool asks = head.method == http::Method::kOptions;
    return {.status = asks ? 200 : 405, .allow = end.node->allow()};
  }
  // The names stand in this route's pattern, as another method's may differ. Values are kept in the
  // request, whose room for them never grows once views into it exist.
  request.storage_.clear();
  request.storage_.reserve(path->raw().size());
  std::string_view pattern = route->pattern;
  const auto keep = [&](std::string_view name, std::string_view value) {
    const std::size_t begin = request.storage_.size();
    request.storage_.append(value);
    request.parameters_.push_back({name, std::string_view(request.storage_).substr(begin)});
  };
  for (std::size_t captured = 0; !pattern.empty();) {
    pattern.remove_prefix(1);
    const auto name = parameter_of(pattern.substr(0, pattern.find('/')));
    pattern.remove_prefix(std::min(pattern.find('/'), pattern.size()));
    if (!name) continue;
    if (name->ends_with("...")) {
      keep(name->substr(0, name->size() - 3), path->rest(end.rest_from));
    } else {
      keep(*name, (*path)[captures.segments[captured++]]);
    }
  }
  return {.route = route, .status = 0, .allow = {}};
}

}  // namespace plumb::runtime
