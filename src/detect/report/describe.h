// SPDX-License-Identifier: Apache-2.0
// A descriptor in words: what it is, who has its other end, who shares it. Clean text, one line.
#pragma once

#include <string>
#include <string_view>

#include "detect/model/joined.h"

namespace plumb::detect {

// "nvim(812)".
void append_process(std::string& out, const Survey& survey, const Process& process);

// "127.0.0.1:8118", "[::1]:80", "*:80".
void append_endpoint(std::string& out, const IpEndpoint& endpoint, bool ipv6);

// What it is: a path, addresses and state, what an epoll watches, when a timer expires, how much a
// deleted file holds back.
void append_name(std::string& out, const Joined& joined, DescriptorIndex d);

// "→ curl(4312) fd 0", "→ accept queue of nginx(70) fd 6", "→ nobody"; nothing where it has no
// other end. More holders are counted: "→ sh(12) fd 0, 3 more".
void append_other_end(std::string& out, const Joined& joined, DescriptorIndex d);

// "= nginx(71) fd 6, 2 more": other descriptors of the same open file; those of other processes
// come first. "= fd 7" for a dup. Nothing where it is not shared.
void append_shared(std::string& out, const Joined& joined, DescriptorIndex d);

// The access mode in a letter, as lsof has it: r, w, u (both), p (a path, O_PATH).
char access_letter(const Descriptor& d);

// "close-wait", "listen"; empty for unknown.
std::string_view name_of(SocketState state);

}  // namespace plumb::detect
