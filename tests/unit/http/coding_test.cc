// SPDX-License-Identifier: Apache-2.0
// Each coding both ways, at every split; what is cut, corrupt, too large or made to explode.
#include "plumb/http/coding.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace plumb::http {
namespace {

constexpr std::array kCodings = {Coding::kGzip, Coding::kDeflate, Coding::kBrotli, Coding::kZstd};

std::string sample(std::size_t size) {
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i)
    text += "line " + std::to_string(i * 2654435761u) + "\n";
  text.resize(size);
  return text;
}

std::string encode(Coding coding, std::string_view text, std::size_t piece = 4096) {
  auto encoder = Encoder::make(coding);
  EXPECT_TRUE(encoder.ok());
  std::string out;
  std::vector<char> room(piece);
  for (bool ended = false; !ended;) {
    const auto part = text.substr(0, piece);
    const Flush flush = part.size() == text.size() ? Flush::kEnd : Flush::kNone;
    const CodingStep step = encoder->next(part, room, flush);
    out.append(room.data(), step.produced);
    text.remove_prefix(step.consumed);
    ended = step.ended;
  }
  return out;
}

struct Decoded {
  std::string text;
  std::string fault;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(Coding coding, std::string_view bytes, std::size_t in_piece = 1 << 20,
               std::size_t out_piece = 4096, const CodingLimits& limits = {}) {
  auto decoder = Decoder::make(coding, limits);
  EXPECT_TRUE(decoder.ok());
  Decoded decoded;
  std::vector<char> room(out_piece);
  std::size_t offered = std::min(in_piece, bytes.size());
  for (;;) {
    const Last last = offered == bytes.size() ? Last::kYes : Last::kNo;
    const CodingStep step = decoder->next(bytes.substr(0, offered), room, last);
    decoded.text.append(room.data(), step.produced);
    bytes.remove_prefix(step.consumed);
    offered -= step.consumed;
    if (step.fault) {
      decoded.fault = name(*step.fault);
      return decoded;
    }
    if (step.ended) return decoded;
    if (step.consumed == 0 && step.produced == 0) {
      if (last == Last::kYes) return {decoded.text, "no progress"};
      offered = std::min(offered + in_piece, bytes.size());
    }
  }
}

TEST(Coding, HasTheNamesOfTheRegistry) {
  for (const Coding coding : kCodings) EXPECT_EQ(coding_named(name(coding)), coding);
  EXPECT_EQ(coding_named("X-GZip"), Coding::kGzip);
  EXPECT_EQ(coding_named("identity"), std::nullopt);
  EXPECT_EQ(coding_named("compress"), std::nullopt);
}

TEST(Coding, WhatIsEncodedIsDecodedAgain) {
  for (const Coding coding : kCodings) {
    for (const std::size_t size : {0, 1, 100, 300000}) {
      const std::string text = sample(size);
      const std::string bytes = encode(coding, text);
      EXPECT_LT(bytes.size(), std::max<std::size_t>(text.size(), 130)) << name(coding);
      EXPECT_EQ(decode(coding, bytes), (Decoded{text, ""})) << name(coding) << size;
    }
  }
}

TEST(Coding, EverySplitGivesTheSame) {
  const std::string text = sample(600);
  for (const Coding coding : kCodings) {
    const std::string bytes = encode(coding, text, 7);
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      ASSERT_EQ(decode(coding, bytes, piece, 1 + piece % 13), (Decoded{text, ""}))
          << name(coding) << piece;
    }
  }
}

TEST(Coding, AFlushMakesAllReadableSoFar) {
  for (const Coding coding : kCodings) {
    auto encoder = Encoder::make(coding);
    auto decoder = Decoder::make(coding);
    std::array<char, 4096> coded;
    std::array<char, 4096> plain;
    for (const std::string_view event : {"first event", "second event"}) {
      const CodingStep step = encoder->next(event, coded, Flush::kFlush);
      ASSERT_TRUE(step.ended) << name(coding);
      const CodingStep read = decoder->next({coded.data(), step.produced}, plain, Last::kNo);
      EXPECT_EQ(std::string_view(plain.data(), read.produced), event) << name(coding);
    }
  }
}

TEST(Coding, ACutBodyIsNamedAtEveryByte) {
  const std::string text = sample(500);
  for (const Coding coding : kCodings) {
    const std::string bytes = encode(coding, text);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const Decoded decoded = decode(coding, std::string_view(bytes).substr(0, size));
      ASSERT_EQ(decoded.fault, "truncated")
          << name(coding) << " cut at " << size << " of " << bytes.size();
      EXPECT_TRUE(text.starts_with(decoded.text));
    }
  }
}

TEST(Coding, ACorruptBodyIsNamed) {
  for (const Coding coding : kCodings) {
    EXPECT_EQ(decode(coding, "this is plain text and was never coded").fault, "corrupt")
        << name(coding);
  }
  // Formats with a checksum notice any bit; br has none.
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate, Coding::kZstd}) {
    std::string bytes = encode(coding, sample(500));
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    EXPECT_NE(decode(coding, bytes).fault, "") << name(coding);
  }
}

TEST(Coding, GzipMayHaveSeveralMembersAndZstdSeveralFrames) {
  for (const Coding coding : {Coding::kGzip, Coding::kZstd}) {
    const std::string bytes = encode(coding, "one ") + encode(coding, "") + encode(coding, "two");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      ASSERT_EQ(decode(coding, bytes, piece, 3), (Decoded{"one two", ""})) << name(coding) << piece;
    }
    EXPECT_EQ(decode(coding, bytes.substr(0, bytes.size() - 1)).fault, "truncated") << name(coding);
  }
}

TEST(Coding, BytesBehindTheEndAreNamed) {
  for (const Coding coding : kCodings) {
    EXPECT_EQ(decode(coding, encode(coding, "text") + "GARBAGE").fault, "trailing-bytes")
        << name(coding);
  }
}

TEST(Coding, NothingAtAllIsAnEmptyBody) {
  for (const Coding coding : kCodings)
    EXPECT_EQ(decode(coding, ""), (Decoded{"", ""})) << name(coding);
}

TEST(Coding, ABrokenOffDecoderMayBeReplaced) {
  auto decoder = Decoder::make(Coding::kGzip);
  auto encoder = Encoder::make(Coding::kGzip);
  *decoder = std::move(*Decoder::make(Coding::kBrotli));
  *encoder = std::move(*Encoder::make(Coding::kBrotli));
  std::array<char, 100> coded;
  std::array<char, 100> plain;
  const CodingStep step = encoder->next("text", coded, Flush::kEnd);
  EXPECT_EQ(decoder->next({coded.data(), step.produced}, plain, Last::kNo).produced, 4u);
  EXPECT_EQ(decoder->next("more", plain, Last::kYes).fault, CodingFault::kTrailing);
}

TEST(Coding, DeflateIsTakenRawToo) {
  z_stream stream{};
  ASSERT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string text = sample(300);
  std::array<char, 1000> raw;
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(raw.data());
  stream.avail_out = raw.size();
  ASSERT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  ::deflateEnd(&stream);
  for (const std::size_t piece : {1, 2, 1000}) {
    EXPECT_EQ(decode(Coding::kDeflate, {raw.data(), stream.total_out}, piece), (Decoded{text, ""}));
  }
}

TEST(Coding, OutputIsBoundedByteForByte) {
  const std::string text = sample(5000);
  for (const Coding coding : kCodings) {
    const std::string bytes = encode(coding, text);
    EXPECT_EQ(decode(coding, bytes, 1 << 20, 4096, {.output = 5000}).fault, "") << name(coding);
    EXPECT_EQ(decode(coding, bytes, 1 << 20, 4096, {.output = 4999}).fault, "too-large")
        << name(coding);
  }
}

TEST(Coding, ABombIsNamedLongBeforeItIsLarge) {
  const std::string zeros(50 << 20, '\0');
  for (const Coding coding : kCodings) {
    const Decoded decoded = decode(coding, encode(coding, zeros, 1 << 16), 64);
    EXPECT_EQ(decoded.fault, "bomb") << name(coding);
    EXPECT_LT(decoded.text.size(), 2u << 20) << name(coding);
  }
}

TEST(Coding, AWindowThatIsTooLargeIsNamed) {
  // A zstd frame header that asks for a window of 2^27 bytes, in a frame without content size.
  const std::string frame("\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00", 9);
  EXPECT_EQ(decode(Coding::kZstd, frame).fault, "window-too-large");
  EXPECT_EQ(decode(Coding::kZstd, frame, 100, 100, {.window_bits = 27}).fault, "");
}

// Magic numbers FD2FB522 to FD2FB527: zstd 0.2 to 0.7, which the library would still read.
TEST(Coding, ZstdFramesFromBeforeItsRfcAreNone) {
  for (char version = '\x22'; version <= '\x27'; ++version) {
    const std::string frame =
        version + std::string("\xb5\x2f\xfd\x04\xd6\x1c\x00 and more behind it", 25);
    for (std::size_t piece = 1; piece <= frame.size(); ++piece) {
      EXPECT_EQ(decode(Coding::kZstd, frame, piece, 100).fault, "corrupt") << piece;
      EXPECT_EQ(decode(Coding::kZstd, encode(Coding::kZstd, "text") + frame, piece, 100).fault,
                "trailing-bytes")
          << piece;
    }
  }
}

TEST(Coding, SkippableFramesOfZstdAreSkipped) {
  const std::string skipped("\x5f\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  const std::string bytes = skipped + encode(Coding::kZstd, "text") + skipped;
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(decode(Coding::kZstd, bytes, piece, 100), (Decoded{"text", ""})) << piece;
  }
}

TEST(Coding, LevelsAreChecked) {
  EXPECT_TRUE(Encoder::make(Coding::kBrotli, 11).ok());
  const auto wrong = Encoder::make(Coding::kGzip, 10);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, EINVAL);
  EXPECT_NE(wrong.error().message().find("gzip takes 0 to 9"), std::string::npos);
}

TEST(Coding, FaultsSayWhatToDo) {
  for (int i = 0; i <= static_cast<int>(CodingFault::kWindow); ++i) {
    EXPECT_FALSE(name(static_cast<CodingFault>(i)).empty());
    EXPECT_TRUE(advice(static_cast<CodingFault>(i)).ends_with('.'));
  }
}

}  // namespace
}  // namespace plumb::http
