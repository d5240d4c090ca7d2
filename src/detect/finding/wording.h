// SPDX-License-Identifier: Apache-2.0
// Words that findings have in common: who, how much, how fast; and what must not be said: secrets.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/finding/facts.h"
#include "detect/finding/finding.h"

namespace plumb::detect {

// "nvim(812)", raw bytes.
std::string name_with_pid(const Survey& survey, ProcessIndex process);
Subject subject_of(const Survey& survey, ProcessIndex process);
// The command on one line with its secrets masked, at most `most` bytes.
std::string short_command(std::string_view command, std::size_t most);

// "12 children", "1 child".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);
// "+12/min", "+3/s", "+2/h".
std::string rate_text(double per_second);
// "127.0.0.1:80", "[::1]:80".
std::string endpoint_text(const IpEndpoint& endpoint, bool ipv6);
// A connection or listener: "127.0.0.1:80 ↔ 127.0.0.1:4312", ":3000", "@bus".
std::string socket_text(const Survey& survey, const Socket& socket);
// "main.checkImages (main.go:40)".
std::string frame_text(const Frame& frame);

// The frames of a stack, and the one a reader should look at first: the innermost that is none of
// the system's libraries or a language's runtime; nullptr where all are.
std::vector<Frame> frames_of(const StackStore& stacks, StackNode stack);
const Frame* guilty_frame(const std::vector<Frame>& stack);
// Whether both stacks lead to one function of the program's own.
bool same_guilty(const std::vector<Frame>& left, const std::vector<Frame>& right);
// Who called that one, innermost first: "serve (a.cc:9) ← main (a.cc:40)". At most three, no
// library's; empty where there are none.
std::string callers_text(const std::vector<Frame>& stack);
// Where the code that counts was generated and nothing names it: how to see it. Else empty.
std::string unnamed_code_advice(const std::vector<Frame>& stack, Pid process);

}  // namespace plumb::detect
