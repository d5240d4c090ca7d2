// SPDX-License-Identifier: Apache-2.0
// Decides framing and persistence (RFC 9112 sections 6 and 9) and writes heads.
#include "plumb/http/encoder.h"

#include "http/field_check.h"
#include "http/scan.h"
#include "http/target.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

Encoded refuse(Refusal refusal, std::string_view object) {
  return {refusal, object, BodyWriter(Framing{}, Content::kDropped)};
}

// The fields of framing and persistence, from the decision alone.
void write_framing(std::string& out, const Framing& framing, std::optional<std::uint64_t> length) {
  if (framing.kind == BodyKind::kChunked) {
    write_field(out, "Transfer-Encoding", "chunked");
  } else if (length) {
    write_field(out, "Content-Length", std::to_string(*length));
  }
}

void write_connection(std::string& out, const Framing& framing, Version peer,
                      std::string_view upgrade, bool te) {
  std::string options;
  const auto add = [&](std::string_view option) {
    if (!options.empty()) options += ", ";
    options += option;
  };
  if (!upgrade.empty()) add("upgrade");
  if (te) add("TE");
  if (framing.persistence == Persistence::kClose)
    add("close");
  else if (peer == Version::kHttp10)
    add("keep-alive");
  if (!options.empty()) write_field(out, "Connection", options);
  if (!upgrade.empty()) write_field(out, "Upgrade", upgrade);
  if (te) write_field(out, "TE", "trailers");
}

// Whether a response of this status, to this method, has content at all.
bool ends_with_head(int status, Method method) {
  if (status < 200 || status == 204 || status == 304) return true;
  return method == Method::kConnect && status <= 299;
}

Framing decide(const ResponsePlan& plan) {
  const bool keep = plan.peer_wish == Persistence::kKeep && plan.own_wish == Persistence::kKeep;
  const Persistence persistence = keep ? Persistence::kKeep : Persistence::kClose;
  if (plan.status == 101 ||
      (plan.method == Method::kConnect && plan.status >= 200 && plan.status <= 299)) {
    return {BodyKind::kTunnel, 0, Persistence::kKeep};
  }
  if (plan.status < 200) return {BodyKind::kNone, 0, Persistence::kKeep};
  if (ends_with_head(plan.status, plan.method) || plan.method == Method::kHead) {
    return {BodyKind::kNone, 0, persistence};
  }
  if (!plan.body.is_unknown()) return {BodyKind::kLength, *plan.body.bytes(), persistence};
  if (plan.peer == Version::kHttp11) return {BodyKind::kChunked, 0, persistence};
  return {BodyKind::kUntilClose, 0, Persistence::kClose};
}

std::optional<Refusal> check(const ResponsePlan& plan) {
  if (plan.status < 100 || plan.status > 999) return Refusal::kBadStatus;
  if (plan.status == 101 && plan.upgrade.empty()) return Refusal::kBadStatus;
  if (plan.status < 200 && plan.peer == Version::kHttp10) return Refusal::kInterimTo10;
  if (!is_value(plan.reason)) return Refusal::kBadReason;
  if (!is_value(plan.upgrade)) return Refusal::kBadFieldValue;
  // 304 may be planned with the length that 200 would have; it is not sent.
  const bool bodiless =
      plan.status == 205 || (ends_with_head(plan.status, plan.method) && plan.status != 304);
  if (bodiless && plan.body.bytes().value_or(1) != 0) return Refusal::kBodyNotAllowed;
  return std::nullopt;
}

std::optional<Refusal> check(const RequestPlan& plan, Method method) {
  if (!is_token(plan.method)) return Refusal::kBadMethod;
  const char* const end = plan.target.data() + plan.target.size();
  if (plan.target.empty() || scan::target_end(plan.target.data(), end) != end ||
      !target_fits(method, plan.target)) {
    return Refusal::kBadTarget;
  }
  if (plan.host.empty() || !is_host(plan.host)) return Refusal::kBadHost;
  if (!is_value(plan.upgrade)) return Refusal::kBadFieldValue;
  const bool bodiless = method == Method::kConnect || method == Method::kTrace;
  if (bodiless && plan.body.bytes().value_or(1) != 0) return Refusal::kBodyNotAllowed;
  if (plan.body.is_unknown() && plan.peer == Version::kHttp10) return Refusal::kLengthRequired;
  return std::nullopt;
}

// RFC 9110 section 8.6: methods that anticipate content say so when there is none.
bool anticipates_content(Method method) {
  return method == Method::kPost || method == Method::kPut || method == Method::kPatch;
}

Framing decide(const RequestPlan& plan, Method method) {
  if (plan.body.is_unknown()) return {BodyKind::kChunked, 0, plan.own_wish};
  if (!plan.body.is_none() || anticipates_content(method)) {
    if (method == Method::kConnect || method == Method::kTrace) {
      return {BodyKind::kNone, 0, plan.own_wish};
    }
    return {BodyKind::kLength, *plan.body.bytes(), plan.own_wish};
  }
  return {BodyKind::kNone, 0, plan.own_wish};
}

}  // namespace

Encoded encode(const ResponsePlan& plan, std::span<const Field> fields, std::string& out) {
  if (const auto refusal = check(plan)) return refuse(*refusal, plan.reason);
  if (const auto checked = check_fields(fields, Section::kResponse); checked.refusal) {
    return refuse(*checked.refusal, checked.object);
  }
  const Framing framing = decide(plan);
  out.append("HTTP/1.1 ").append(std::to_string(plan.status)).append(" ");
  out.append(plan.reason.empty() ? reason_of(plan.status) : plan.reason).append("\r\n");
  // A response to HEAD says how long the body is that GET would give; 304 need not.
  std::optional<std::uint64_t> length;
  if (!ends_with_head(plan.status, plan.method)) length = plan.body.bytes();
  write_framing(out, framing, length);
  if (plan.status >= 200 || plan.status == 101) {
    // A tunnel has no persistence of its own: nothing is said of it.
    const Version peer = framing.kind == BodyKind::kTunnel ? Version::kHttp11 : plan.peer;
    write_connection(out, framing, peer, plan.upgrade, false);
  }
  for (const Field& field : fields) write_field(out, field.name, field.value);
  out.append("\r\n");
  const bool dropped = plan.method == Method::kHead;
  return {std::nullopt, {}, BodyWriter(framing, dropped ? Content::kDropped : Content::kSent)};
}

Encoded encode(const RequestPlan& plan, std::span<const Field> fields, std::string& out) {
  const Method method = method_of(plan.method);
  if (const auto refusal = check(plan, method)) {
    return refuse(*refusal, *refusal == Refusal::kBadHost     ? plan.host
                            : *refusal == Refusal::kBadMethod ? plan.method
                                                              : plan.target);
  }
  if (const auto checked = check_fields(fields, Section::kRequest); checked.refusal) {
    return refuse(*checked.refusal, checked.object);
  }
  const Framing framing = decide(plan, method);
  out.append(plan.method).append(" ").append(plan.target).append(" HTTP/1.1\r\n");
  write_field(out, "Host", plan.host);
  std::optional<std::uint64_t> length;
  if (framing.kind == BodyKind::kLength) length = framing.length;
  write_framing(out, framing, length);
  write_connection(out, framing, plan.peer, plan.upgrade, plan.accepts_trailers);
  for (const Field& field : fields) write_field(out, field.name, field.value);
  out.append("\r\n");
  return {std::nullopt, {}, BodyWriter(framing, Content::kSent)};
}

}  // namespace plumb::http
