// SPDX-License-Identifier: Apache-2.0
// Which system calls a ProcessFollower is told of, as a seccomp filter (seccomp(2)); and what each
// of them makes. Pure but for call_filter's users: x86-64 alone, the calls of 32-bit programs pass.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace plumb::detect {

enum class ChosenCalls : std::uint8_t {
  kFiles,                // what puts a name on a disk: open with O_CREAT, mkdir, rename, bind, …
  kFilesAndDescriptors,  // and all that makes a descriptor
};

// The filter: SECCOMP_RET_TRACE for the chosen calls, SECCOMP_RET_ALLOW for the others.
std::vector<sock_filter> call_filter(ChosenCalls calls);

// How a call gives the descriptors that it makes.
enum class MadeBy : std::uint8_t {
  kNothing,
  kResult,   // its result is one
  kPair,     // two, in an array of int at argument 0, or 3 for socketpair
  kDup,      // its result is another number of the descriptor in argument 0
  kMessage,  // those that came with the message in argument 1 (SCM_RIGHTS)
};
MadeBy made_by(std::uint16_t call);

// Where the arguments of a call that makes a name are.
struct NameArguments {
  int directory = -1;    // which argument is the directory's descriptor; -1: none
  int path = -1;         // which one the path; -1: the call makes no name
  bool address = false;  // `path` is a sockaddr_un, and the next argument its length
};
NameArguments made_name(std::uint16_t call);

}  // namespace plumb::detect
