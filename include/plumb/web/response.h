// SPDX-License-Identifier: Apache-2.0
// Response: an answer as a value: status, fields, and a body that is there already. How it is
// framed and whether the connection lives on is none of its business (see http/encoder.h): a
// handler that sets Content-Length, Transfer-Encoding or Connection gets status 500 and an error in
// the log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plumb/http/coding_policy.h"

namespace plumb::runtime {

class Response {
 public:
  explicit Response(int status = 200) : status_(status) {}
  Response(int status, std::string type, std::string body)
      : status_(status), type_(std::move(type)), body_(std::move(body)) {}

  static Response text(std::string body, int status = 200);  // UTF-8
  static Response html(std::string body, int status = 200);
  static Response json(std::string body, int status = 200);
  static Response redirect(std::string_view location, int status = 302);
  // The status with its usual words as text: for errors.
  static Response plain(int status);

  // A field; set() replaces those of the same name, add() does not. Chains.
  Response& set(std::string_view name, std::string_view value) &;
  Response&& set(std::string_view name, std::string_view value) && {
    return std::move(set(name, value));
  }
  Response& add(std::string_view name, std::string_view value) &;

  // The protocol to ask for with 426, in the field Upgrade.
  Response&& ask_for(std::string_view protocol) && {
    upgrade_ = protocol;
    return std::move(*this);
  }

  int status() const noexcept { return status_; }
  const std::string& type() const noexcept { return type_; }  // Content-Type; empty: none
  const std::string& body() const noexcept { return body_; }
  const std::string& upgrade() const noexcept { return upgrade_; }
  const std::vector<http::OwnedField>& fields() const noexcept { return fields_; }

  void set_status(int status) noexcept { status_ = status; }
  void set_type(std::string type) { type_ = std::move(type); }
  void set_body(std::string body) { body_ = std::move(body); }

 private:
  int status_;
  std::string type_;
  std::string body_;
  std::string upgrade_;
  std::vector<http::OwnedField> fields_;
};

}  // namespace plumb::runtime
