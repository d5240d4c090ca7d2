// SPDX-License-Identifier: Apache-2.0
// Content codings gzip, deflate, br and zstd, both ways, as streams with bounds.
//
// An object serves one body and one thread. Memory is allocated by make() and by the coding
// library, at most the window that CodingLimits allows; input and output belong to the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "plumb/base/result.h"

namespace plumb::http {

enum class Coding : std::uint8_t { kGzip, kDeflate, kBrotli, kZstd };

std::string_view name(Coding coding) noexcept;  // "gzip", "deflate", "br", "zstd"
// Case-insensitive, with the old alias x-gzip. Nothing: unknown, or "identity".
std::optional<Coding> coding_named(std::string_view token) noexcept;

enum class CodingFault : std::uint8_t {
  kTruncated,  // the input ended inside the coding: the body is incomplete, abort what you send on
  kCorrupt,    // the input is not of that coding, or its checksum is wrong: abort
  kTrailing,   // bytes behind the end of the coding: abort
  kTooLarge,   // more output than CodingLimits::output: answer 413 or abort
  kBomb,       // output grows beyond CodingLimits::ratio times the input: abort
  kWindow,     // needs a larger window than CodingLimits::window_bits: abort
};

std::string_view name(CodingFault fault) noexcept;
std::string_view advice(CodingFault fault) noexcept;

struct CodingLimits {
  std::uint64_t output = 64 * 1024 * 1024;  // bytes in all
  std::uint32_t ratio = 200;                // output per input byte; deflate can reach 1032
  std::uint64_t ratio_from = 1024 * 1024;   // the ratio is judged only beyond this much output
  int window_bits = 24;                     // 16 MiB; br and zstd can ask for more
};

struct CodingStep {
  std::size_t consumed = 0;  // of the input
  std::size_t produced = 0;  // in the output
  bool ended = false;        // the coding is complete (decoder), everything is flushed (encoder)
  std::optional<CodingFault> fault;
};

// Whether more input will follow.
enum class Last : bool { kNo, kYes };

class Decoder {
 public:
  // Errors: out of memory.
  static Result<Decoder> make(Coding coding, const CodingLimits& limits = {});
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // Decodes from `input` into `output` as much as fits. Call again with the unconsumed input until
  // nothing is consumed and nothing is produced; with Last::kYes until `ended`. gzip may consist of
  // several members (RFC 1952 section 2.2), zstd of several frames. deflate is the zlib format; the
  // raw one that some servers send under that name is accepted too (RFC 9110 section 8.4.1.2).
  CodingStep next(std::string_view input, std::span<char> output, Last last);

  class Engine;

 private:
  explicit Decoder(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

// kFlush makes all input so far readable for the receiver; kEnd finishes the coding.
enum class Flush : std::uint8_t { kNone, kFlush, kEnd };

class Encoder {
 public:
  // `level` in the coding's own scale; nothing: a quick one (gzip 5, br 4, zstd 3).
  // Errors: out of memory, a level outside the scale.
  static Result<Encoder> make(Coding coding, std::optional<int> level = std::nullopt);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  // Call until everything is consumed; with kFlush and kEnd until `ended`.
  CodingStep next(std::string_view input, std::span<char> output, Flush flush);

  class Engine;

 private:
  explicit Encoder(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace plumb::http
