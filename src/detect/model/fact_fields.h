// SPDX-License-Identifier: Apache-2.0
// The fields of what is known of processes over time, as they stand in a recording.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "detect/model/exchange.h"
#include "detect/model/go_http_leaks.h"
#include "detect/model/mapping_growth.h"
#include "detect/model/observation.h"
#include "detect/record/survey_fields.h"

namespace plumb::detect {

template <>
inline constexpr auto kMostOf<Measure> = static_cast<std::uint8_t>(kMeasures - 1);
template <>
inline constexpr auto kMostOf<FramingState> = number(FramingState::kUnknown);
template <>
inline constexpr auto kMostOf<Role> = number(Role::kServer);
template <>
inline constexpr auto kMostOf<GoroutineState> = number(GoroutineState::kUnknown);
template <>
inline constexpr auto kMostOf<GoConnectionState> = number(GoConnectionState::kUnknown);
template <>
inline constexpr auto kMostOf<GoHttpVersion> = number(GoHttpVersion::kHttp2);
template <>
inline constexpr auto kMostOf<http::Version> = number(http::Version::kHttp11);
template <>
inline constexpr auto kMostOf<http::BodyKind> = number(http::BodyKind::kTunnel);
template <>
inline constexpr auto kMostOf<http::Persistence> = number(http::Persistence::kClose);
template <>
inline constexpr auto kMostOf<http::Progress> = number(http::Progress::kCut);
template <>
inline constexpr auto kMostOf<http::Move> = number(http::Move::kClosed);

template <>
struct Fields<SocketKey> {
  static void list(auto& field, auto& row) {
    field("id", row.id);
    field("inode", row.inode);
  }
};
template <>
struct Fields<Tracked::Change> {
  static void list(auto& field, auto& row) {
    field("look", row.look);
    field("count", row.count);
  }
};
struct TrackedFact {
  ProcessKey process;
  Tracked row;
};
template <>
struct Fields<TrackedFact> {
  static void list(auto& field, auto& row) {
    Fields<ProcessKey>::list(field, row.process);
    field("first_look", row.row.first_look);
    field("looks", row.row.looks);
    field("running", row.row.running);
    field("slept", row.row.slept);
    field("sleeps", row.row.sleeps);
    field("same_wait", row.row.same_wait);
    field("wait", row.row.wait);
    field("changes", row.row.changes);
  }
};
struct ListenerFact {
  SocketKey socket;
  TrackedListener row;
};
template <>
struct Fields<ListenerFact> {
  static void list(auto& field, auto& row) {
    Fields<SocketKey>::list(field, row.socket);
    field("looks", row.row.looks);
    field("looks_with_queue", row.row.looks_with_queue);
    field("looks_full", row.row.looks_full);
    field("least", row.row.least);
    field("most", row.row.most);
    field("newcomers", row.row.newcomers);
  }
};

template <>
struct Fields<Connection> {
  static void list(auto& field, auto& row) {
    field("id", row.id);
    field("socket", row.socket);
    field("pid", row.pid);
    field("fd", row.fd);
    field("process", row.process);
    field("role", row.role);
    field("family", row.family);
    field("local", row.local);
    field("remote", row.remote);
    field("tls", row.tls);
    field("late", row.late);
    field("http2", row.http2);
    field("grpc", row.grpc);
    field("closed", row.closed);
    field("exchanges", row.exchanges);
    field("lost", row.lost);
    field("stray_client", row.stray_client);
    field("stray_server", row.stray_server);
    field("last", row.last);
  }
};
template <>
struct Fields<http::ObservedField> {
  static void list(auto& field, auto& row) {
    field("name", row.name);
    field("value", row.value);
  }
};
template <>
struct Fields<http::Framing> {
  static void list(auto& field, auto& row) {
    field("kind", row.kind);
    field("length", row.length);
    field("persistence", row.persistence);
  }
};
// What a request and a response have in common.
struct MessageFields {
  static void list(auto& field, auto& row) {
    field("version", row.version);
    field("fields", row.fields);
    field("framing", row.framing);
    field("content", row.content);
    field("progress", row.progress);
    field("began", row.began);
    field("last", row.last);
  }
};
template <>
struct Fields<http::ObservedRequest> {
  static void list(auto& field, auto& row) {
    field("method", row.method);
    field("target", row.target);
    field("host", row.host);
    MessageFields::list(field, row);
  }
};
template <>
struct Fields<http::ObservedResponse> {
  static void list(auto& field, auto& row) {
    field("status", row.status);
    field("reason", row.reason);
    MessageFields::list(field, row);
  }
};
template <>
struct Fields<FieldDifference> {
  static void list(auto& field, auto& row) {
    field("name", row.name);
    field("upstream", row.upstream);
    field("downstream", row.downstream);
  }
};
template <>
struct Fields<Exchange> {
  static void list(auto& field, auto& row) {
    field("id", row.id);
    field("connection", row.connection);
    field("request", row.http.request);
    field("response", row.http.response);
    field("interim", row.http.interim);
    field("state", row.state);
    field("move", row.move);
    field("missing", row.missing);
    field("unread", row.unread);
    field("upstream", row.upstream);
    field("differences", row.differences);
  }
};

template <>
struct Fields<GoRequest> {
  static void list(auto& field, auto& row) {
    field("version", row.version);
    field("connection", row.connection);
    field("sent", row.sent);
    field("goroutine", row.goroutine);
    field("method", row.method);
    field("scheme", row.scheme);
    field("host", row.host);
    field("path", row.path);
    field("query", row.query);
    field("shortened", row.shortened);
  }
};
template <>
struct Fields<HeldRequest> {
  static void list(auto& field, auto& row) {
    field("request", row.request);
    field("state", row.state);
    field("age", row.age);
  }
};
struct GoHttpSiteFact {
  Pid process{};
  std::vector<Frame> stack;
  std::array<std::uint64_t, kGoConnectionStates> states{};
  std::vector<HeldRequest> requests;  // the oldest
};
template <>
struct Fields<GoHttpSiteFact> {
  static void list(auto& field, auto& row) {
    field("process", row.process);
    field("stack", row.stack);
    field("states", row.states);
    field("requests", row.requests);
  }
};

struct GoIdleFact {
  Pid process{};
  std::vector<Frame> stack;
  std::uint64_t connections = 0;
};
template <>
struct Fields<GoIdleFact> {
  static void list(auto& field, auto& row) {
    field("process", row.process);
    field("stack", row.stack);
    field("connections", row.connections);
  }
};

template <>
struct Fields<SeriesPoint> {
  static void list(auto& field, auto& row) {
    field("time", row.time);
    field("count", row.count);
  }
};
// What one go statement has started.
struct GoStatementFact {
  Pid process{};
  std::string key;  // "main.handle:40"
  Frame creator;
  std::vector<SeriesPoint> counts;
};
template <>
struct Fields<GoStatementFact> {
  static void list(auto& field, auto& row) {
    field("process", row.process);
    field("key", row.key);
    field("creator", row.creator);
    field("counts", row.counts);
  }
};
// Goroutines that one statement has started and that stand in one place, at the last look.
struct GoroutinesFact {
  Pid process{};
  Frame creator;
  std::vector<Frame> stack;
  GoroutineState state = GoroutineState::kUnknown;
  std::string reason;  // why they wait
  std::uint32_t count = 0;
};
template <>
struct Fields<GoroutinesFact> {
  static void list(auto& field, auto& row) {
    field("process", row.process);
    field("creator", row.creator);
    field("stack", row.stack);
    field("state", row.state);
    field("reason", row.reason);
    field("count", row.count);
  }
};

template <>
struct Fields<MappingGrowth::Row> {
  static void list(auto& field, auto& row) {
    field("name", row.name);
    field("first", row.first);
    field("now", row.now);
    field("bytes", row.bytes);
  }
};
template <>
struct Fields<MappingGrowth> {
  static void list(auto& field, auto& row) {
    field("process", row.process);
    field("rows", row.rows);
  }
};

}  // namespace plumb::detect
