// SPDX-License-Identifier: Apache-2.0
// The usual answers.
#include "plumb/web/response.h"

#include <algorithm>

#include "plumb/http/encoder.h"
#include "plumb/http/field_text.h"

namespace plumb::runtime {

Response Response::text(std::string body, int status) {
  return Response(status, "text/plain; charset=utf-8", std::move(body));
}
Response Response::html(std::string body, int status) {
  return Response(status, "text/html; charset=utf-8", std::move(body));
}
Response Response::json(std::string body, int status) {
  return Response(status, "application/json", std::move(body));
}

Response Response::redirect(std::string_view location, int status) {
  Response response = plain(status);
  response.set("Location", location);
  return response;
}

Response Response::plain(int status) {
  std::string words = std::to_string(status);
  words.append(" ").append(http::reason_of(status)).append("\n");
  return text(std::move(words), status);
}

Response& Response::set(std::string_view name, std::string_view value) & {
  std::erase_if(fields_, [&](const http::OwnedField& field) {
    return http::same_ignoring_case(field.name, name);
  });
  return add(name, value);
}

Response& Response::add(std::string_view name, std::string_view value) & {
  if (http::same_ignoring_case(name, "content-type")) {
    type_ = value;
  } else {
    fields_.push_back({std::string(name), std::string(value)});
  }
  return *this;
}

}  // namespace plumb::runtime
