// SPDX-License-Identifier: Apache-2.0
// A document as pieces: handing on one that grows, and keeping one whole.
#pragma once

#include <string>
#include <string_view>

#include "detect/report/json_writer.h"
#include "detect/report/sink.h"

namespace plumb::detect {

// Hands on what has been written so far once it is a piece, and empties it. False where nobody
// wants more. What is left at the end is the caller's to hand on.
inline bool pass_on(std::string& written, const Sink& sink) {
  if (written.size() < kPiece) return true;
  const bool wanted = sink(written);
  written.clear();
  return wanted;
}
inline bool pass_on(JsonWriter& written, const Sink& sink) {
  if (written.size() < kPiece) return true;
  const bool wanted = sink(written.text());
  written.clear();
  return wanted;
}

// The whole document that `write(sink)` hands on.
template <typename Write>
std::string written(const Write& write) {
  std::string whole;
  write(Sink([&whole](std::string_view piece) {
    whole += piece;
    return true;
  }));
  return whole;
}

}  // namespace plumb::detect
