// SPDX-License-Identifier: Apache-2.0
// V8's names of JavaScript functions, as Node 18 and 20 write them.
#include "detect/symbol/js_name.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

std::string parsed(std::string_view name) {
  const auto function = parse_js_name(name);
  if (!function) return "-";
  return function->name + "|" + function->file + "|" + std::to_string(function->line);
}

TEST(JsName, TheSameFunctionWhicheverCompilerMadeIt) {
  for (const char* sign : {"", "~", "^", "+", "+'", "*", "*'"}) {
    EXPECT_EQ(parsed(std::string("JS:") + sign + "serve /srv/app.js:12:7"), "serve|/srv/app.js|12");
    EXPECT_EQ(parsed(std::string("LazyCompile:") + sign + "serve /srv/app.js:12:7"),
              "serve|/srv/app.js|12");
  }
}

TEST(JsName, NamesAndFilesWithSpaces) {
  EXPECT_EQ(parsed("JS:*get size node:internal/util:5:9"), "get size|node:internal/util|5");
  EXPECT_EQ(parsed("JS:~f /srv/my app/a b.js:1:2"), "f|/srv/my app/a b.js|1");
  EXPECT_EQ(parsed("JS:~f file:///srv/a.mjs:3:2"), "f|file:///srv/a.mjs|3");
  EXPECT_EQ(parsed("JS:~f evalmachine.<anonymous>:1:2"), "f|evalmachine.<anonymous>|1");
}

TEST(JsName, FunctionsWithoutAName) {
  EXPECT_EQ(parsed("JS:^ /srv/app.js:76:29"), "(anonymous)|/srv/app.js|76");
  EXPECT_EQ(parsed("Script:~ /srv/app.js:1:1"), "(script)|/srv/app.js|1");
}

TEST(JsName, WhatIsNoFunctionStaysAsItIs) {
  for (const char* name : {"", "JS:", "JS:*", "JS:~name", "JS:~name file", "JS:~name file:1",
                           "JS:~name :1:2", "JS:~name f:x:2", "Builtin:CEntry", "RegExp:a b:1:2",
                           "BytecodeHandler:Ldar", "Stub:a /b:1:1"}) {
    EXPECT_EQ(parsed(name), "-") << name;
  }
}

}  // namespace
}  // namespace plumb::detect
