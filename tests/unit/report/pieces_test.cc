// SPDX-License-Identifier: Apache-2.0
// Pieces: nothing is handed on early, nothing is lost or told twice, a sink's word is passed back.
#include "detect/report/pieces.h"

#include <gtest/gtest.h>

namespace plumb::detect {
namespace {

TEST(Pieces, AreHandedOnOnceTheyAreLong) {
  std::string whole;
  std::size_t calls = 0;
  std::string line(1000, 'x');
  const std::string told = written([&](const Sink& sink) {
    const Sink counting = [&](std::string_view piece) {
      ++calls;
      return sink(piece);
    };
    std::string growing;
    for (int row = 0; row < 600; ++row) {
      line.front() = static_cast<char>('a' + row % 26);
      whole += line;
      growing += line;
      EXPECT_TRUE(pass_on(growing, counting));
      EXPECT_LT(growing.size(), kPiece);
    }
    counting(growing);
  });
  EXPECT_EQ(told, whole);
  EXPECT_EQ(calls, 600'000 / kPiece + 1);
}

TEST(Pieces, OfRecordsAreHandedOnLikewise) {
  JsonWriter json;
  std::size_t passed = 0;
  const Sink sink = [&](std::string_view piece) {
    passed += piece.size();
    return false;
  };
  json.begin("row", 1);
  json.end();
  EXPECT_TRUE(pass_on(json, sink));
  EXPECT_EQ(passed, 0U);
  while (json.size() < kPiece) {
    json.begin("row", 1);
    json.end();
  }
  const std::size_t size = json.size();
  EXPECT_FALSE(pass_on(json, sink));
  EXPECT_EQ(passed, size);
  EXPECT_EQ(json.size(), 0U);
}

}  // namespace
}  // namespace plumb::detect
