// SPDX-License-Identifier: Apache-2.0
// When a body may be coded or decoded on its way (RFC 9110 sections 7.7, 8.4, 8.8.3 and 14).
#include "plumb/http/coding_policy.h"

#include <algorithm>
#include <array>

#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

// Fields of the message and not of the representation: the encoder writes them anew.
constexpr std::array<std::string_view, 7> kOfFraming = {
    "content-length",   "transfer-encoding", "connection", "keep-alive",
    "proxy-connection", "upgrade",           "te"};

// True only for the bytes of the form that they came in: digests, and ranges of it.
constexpr std::array<std::string_view, 5> kOfTheCodedBytes = {
    "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges"};

bool any_of(std::span<const std::string_view> names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return same_ignoring_case(known, name); });
}

// All values of a field as one list.
std::string joined(std::span<const Field> fields, std::string_view name) {
  std::string list;
  for (const Field& field : fields) {
    if (!same_ignoring_case(field.name, name)) continue;
    if (!list.empty()) list += ", ";
    list += field.value;
  }
  return list;
}

bool has(std::span<const Field> fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Field& field) { return same_ignoring_case(field.name, name); });
}

std::vector<OwnedField> without_framing(std::span<const Field> fields) {
  const std::string named = joined(fields, "connection");
  std::vector<OwnedField> kept;
  for (const Field& field : fields) {
    if (any_of(kOfFraming, field.name) || lists(named, field.name)) continue;
    kept.push_back({std::string(field.name), std::string(field.value)});
  }
  return kept;
}

// The bytes change, so a validator that promises equal bytes must no longer (RFC 9110
// section 8.8.1).
void weaken(std::vector<OwnedField>& fields) {
  for (OwnedField& field : fields) {
    if (same_ignoring_case(field.name, "etag") && field.value.starts_with('"')) {
      field.value.insert(0, "W/");
    }
  }
}

void erase_named(std::vector<OwnedField>& fields, std::span<const std::string_view> names) {
  std::erase_if(fields, [&](const OwnedField& field) { return any_of(names, field.name); });
}

void vary(std::vector<OwnedField>& fields) {
  for (OwnedField& field : fields) {
    if (!same_ignoring_case(field.name, "vary")) continue;
    if (lists(field.value, "accept-encoding") || lists(field.value, "*")) return;
  }
  fields.push_back({"Vary", "Accept-Encoding"});
}

CodingDecision leave(const CodingQuestion& question, Untouched why) {
  return {std::nullopt, why, without_framing(question.response)};
}

CodingDecision change(const CodingQuestion& question, Coding coding) {
  CodingDecision decision{coding, std::nullopt, without_framing(question.response)};
  erase_named(decision.fields, kOfTheCodedBytes);
  weaken(decision.fields);
  vary(decision.fields);
  return decision;
}

// What forbids any change, in either direction.
std::optional<Untouched> forbidden(const CodingQuestion& question) {
  const bool tunnel =
      question.method == Method::kConnect && question.status >= 200 && question.status <= 299;
  if (question.method == Method::kHead || question.status < 200 || question.status == 204 ||
      question.status == 304 || tunnel) {
    return Untouched::kNoBody;
  }
  if (question.status == 206 || has(question.response, "content-range")) return Untouched::kRange;
  if (lists(joined(question.response, "cache-control"), "no-transform") ||
      lists(joined(question.request, "cache-control"), "no-transform")) {
    return Untouched::kNoTransform;
  }
  return std::nullopt;
}

// The codings that are applied, "identity" left out.
std::vector<std::string_view> applied(std::string_view list) {
  std::vector<std::string_view> codings;
  std::string_view element;
  while (take_element(list, element)) {
    if (!element.empty() && !same_ignoring_case(element, "identity")) codings.push_back(element);
  }
  return codings;
}

enum class For : std::uint8_t { kClient, kReader };

CodingDecision decode(const CodingQuestion& question, For whom) {
  if (const auto why = forbidden(question)) return leave(question, *why);
  const std::string list = joined(question.response, "content-encoding");
  const auto codings = applied(list);
  if (codings.empty()) return leave(question, Untouched::kNotCoded);
  const auto coding = coding_named(codings.front());
  if (codings.size() > 1 || !coding) return leave(question, Untouched::kUnknownCoding);
  if (whom == For::kClient && negotiate(joined(question.request, "accept-encoding"), {{*coding}})) {
    return leave(question, Untouched::kAccepted);
  }
  CodingDecision decision = change(question, *coding);
  erase_named(decision.fields, std::array<std::string_view, 1>{"content-encoding"});
  return decision;
}

// Text in its many names; images, archives and the like are compressed already.
bool is_compressible(std::string_view type) {
  type = trim_blanks(type.substr(0, type.find(';')));
  std::string lowered(type);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), lower);
  if (lowered.starts_with("text/") || lowered.ends_with("+json") || lowered.ends_with("+xml"))
    return true;
  constexpr std::array<std::string_view, 9> kTypes = {
      "application/json", "application/javascript",   "application/xml",     "application/x-ndjson",
      "application/wasm", "application/x-javascript", "application/graphql", "font/ttf",
      "font/otf"};
  return std::find(kTypes.begin(), kTypes.end(), lowered) != kTypes.end();
}

}  // namespace

std::string_view name(Untouched why) noexcept {
  switch (why) {
    case Untouched::kNotCoded:
      return "not-coded";
    case Untouched::kUnknownCoding:
      return "unknown-coding";
    case Untouched::kAlreadyCoded:
      return "already-coded";
    case Untouched::kNotAccepted:
      return "not-accepted";
    case Untouched::kAccepted:
      return "accepted";
    case Untouched::kNoBody:
      return "no-body";
    case Untouched::kRange:
      return "range";
    case Untouched::kNoTransform:
      return "no-transform";
    case Untouched::kNotWorthIt:
      return "not-worth-it";
  }
  return "not-coded";
}

CodingDecision decide_decode(const CodingQuestion& question) {
  return decode(question, For::kClient);
}

CodingDecision decide_decode_for_reader(const CodingQuestion& question) {
  return decode(question, For::kReader);
}

CodingDecision decide_encode(const CodingQuestion& question, const EncodeOptions& options) {
  if (const auto why = forbidden(question)) return leave(question, *why);
  if (!applied(joined(question.response, "content-encoding")).empty()) {
    return leave(question, Untouched::kAlreadyCoded);
  }
  const bool small = question.length && *question.length < options.least_length;
  if (small || !is_compressible(joined(question.response, "content-type"))) {
    return leave(question, Untouched::kNotWorthIt);
  }
  const auto coding = negotiate(joined(question.request, "accept-encoding"), options.offered);
  if (!coding) {
    CodingDecision decision = leave(question, Untouched::kNotAccepted);
    vary(decision.fields);
    return decision;
  }
  CodingDecision decision = change(question, *coding);
  erase_named(decision.fields, std::array<std::string_view, 1>{"content-encoding"});
  decision.fields.push_back({"Content-Encoding", std::string(name(*coding))});
  return decision;
}

}  // namespace plumb::http
