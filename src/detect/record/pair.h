// SPDX-License-Identifier: Apache-2.0
// A pair: functions of one library of which some acquire and the others release, and what tells one
// acquired thing from another. Each pair is a kind of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plumb::detect {

// What the identity is.
enum class PairForm : std::uint8_t {
  kReturned = 0,   // what the function returns; 0 acquires nothing
  kArgument = 1,   // an argument, when the function is called
  kIfZero = 2,     // an argument, when the function returns 0
  kPointedTo = 3,  // the word that an argument points to
};

struct PairFunction {
  std::string name;  // the symbol's
  PairForm form = PairForm::kReturned;
  unsigned argument = 1;  // from 1
  unsigned offset = 0;    // of the word, in bytes
  friend bool operator==(const PairFunction&, const PairFunction&) = default;
};

struct Pair {
  std::string name;  // of the kind
  std::string file;  // a file name ("libpq.so.5"), or a whole path
  std::vector<PairFunction> acquires;
  std::vector<PairFunction> releases;
  friend bool operator==(const Pair&, const Pair&) = default;
};

// Where a function of a pair is, for the kernel.
struct PairPlace {
  std::string path;          // of the file, as it can be opened from here
  std::uint64_t offset = 0;  // of the function in it
  unsigned pair = 0;         // which of the trace's pairs
  bool releases = false;
  PairFunction function;
  // The file's code around the function, in pages of 4 KiB before its page and from it on: calls
  // from there are the library's own affair. Both 0: every call counts.
  std::uint64_t pages_before = 0;
  std::uint64_t pages_after = 0;
};

}  // namespace plumb::detect
