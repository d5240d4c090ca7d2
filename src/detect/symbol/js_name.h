// SPDX-License-Identifier: Apache-2.0
// Names of JavaScript functions as V8 writes them to its perf map (V8, src/logging/log.cc):
// "JS:^serve /srv/app.js:12:7", in older versions "LazyCompile:*serve …". The sign tells which of
// V8's compilers made the code; it changes while a program warms up and the function does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plumb::detect {

struct JsFunction {
  std::string name;  // "(anonymous)" for a function without one, "(script)" for a file's own code
  std::string file;  // a path, or an address such as node:fs or file:///srv/app.mjs
  std::uint32_t line = 0;  // where the function begins, from 1
};

// Nothing for names that are no JavaScript function: builtins, stubs, regular expressions.
std::optional<JsFunction> parse_js_name(std::string_view name);

}  // namespace plumb::detect
