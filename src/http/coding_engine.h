// SPDX-License-Identifier: Apache-2.0
// What each coding library is wrapped into. Limits are kept by Decoder, for all of them alike.
#pragma once

#include <memory>

#include "plumb/http/coding.h"

namespace plumb::http {

class Decoder::Engine {
 public:
  virtual ~Engine() = default;

  // As Decoder::next. `ended` says that the coding could end where the input now stands; more input
  // may still begin another member or frame, or be kTrailing.
  virtual CodingStep next(std::string_view input, std::span<char> output, Last last) = 0;

  CodingLimits limits;
  std::uint64_t consumed = 0;
  std::uint64_t produced = 0;
};

class Encoder::Engine {
 public:
  virtual ~Engine() = default;
  virtual CodingStep next(std::string_view input, std::span<char> output, Flush flush) = 0;
};

Result<std::unique_ptr<Decoder::Engine>> make_zlib_decoder(Coding coding);
Result<std::unique_ptr<Decoder::Engine>> make_brotli_decoder();
Result<std::unique_ptr<Decoder::Engine>> make_zstd_decoder(int window_bits);
Result<std::unique_ptr<Encoder::Engine>> make_zlib_encoder(Coding coding, int level);
Result<std::unique_ptr<Encoder::Engine>> make_brotli_encoder(int level);
Result<std::unique_ptr<Encoder::Engine>> make_zstd_encoder(int level);

}  // namespace plumb::http
