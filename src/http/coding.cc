// SPDX-License-Identifier: Apache-2.0
// Names of the codings and of their faults; the limits that hold for all decoders.
#include "plumb/http/coding.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "http/coding_engine.h"
#include "plumb/http/field_text.h"

namespace plumb::http {
namespace {

struct Scale {
  int least, usual, most;
};

Scale scale_of(Coding coding) {
  switch (coding) {
    case Coding::kBrotli:
      return {0, 4, 11};
    case Coding::kZstd:
      return {1, 3, 19};
    case Coding::kGzip:
    case Coding::kDeflate:
      break;
  }
  return {0, 5, 9};
}

struct FaultRow {
  CodingFault fault;
  std::string_view name;
  std::string_view advice;
};

constexpr std::array kFaults = {
    FaultRow{CodingFault::kTruncated, "truncated",
             "Treat the body as incomplete: break off what you send on, so that it does not look "
             "whole."},
    FaultRow{CodingFault::kCorrupt, "corrupt",
             "Use nothing of the body, and break off what you send on."},
    FaultRow{CodingFault::kTrailing, "trailing-bytes",
             "Use nothing of the body: what follows the coding is not part of it."},
    FaultRow{CodingFault::kTooLarge, "too-large",
             "Answer 413 or break off, or raise CodingLimits::output."},
    FaultRow{CodingFault::kBomb, "bomb",
             "Close the connection: the body is made to exhaust its reader."},
    FaultRow{CodingFault::kWindow, "window-too-large",
             "Answer 415 or break off, or raise CodingLimits::window_bits."},
};

const FaultRow& row(CodingFault fault) {
  return kFaults[static_cast<std::size_t>(fault)];
}

}  // namespace

std::string_view name(Coding coding) noexcept {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kDeflate:
      return "deflate";
    case Coding::kBrotli:
      return "br";
    case Coding::kZstd:
      return "zstd";
  }
  return "gzip";
}

std::optional<Coding> coding_named(std::string_view token) noexcept {
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate, Coding::kBrotli, Coding::kZstd}) {
    if (same_ignoring_case(token, name(coding))) return coding;
  }
  if (same_ignoring_case(token, "x-gzip")) return Coding::kGzip;
  return std::nullopt;
}

std::string_view name(CodingFault fault) noexcept {
  return row(fault).name;
}
std::string_view advice(CodingFault fault) noexcept {
  return row(fault).advice;
}

Decoder::Decoder(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<Decoder> Decoder::make(Coding coding, const CodingLimits& limits) {
  auto engine = coding == Coding::kBrotli ? make_brotli_decoder()
                : coding == Coding::kZstd ? make_zstd_decoder(limits.window_bits)
                                          : make_zlib_decoder(coding);
  if (!engine) return std::move(engine).error();
  (*engine)->limits = limits;
  return Decoder(std::move(*engine));
}

CodingStep Decoder::next(std::string_view input, std::span<char> output, Last last) {
  Engine& engine = *engine_;
  CodingStep step;
  // Nothing at all is an empty body, whatever the coding (a server may label one).
  if (engine.consumed == 0 && input.empty()) {
    step.ended = last == Last::kYes;
    return step;
  }
  step = engine.next(input, output, last);
  engine.consumed += step.consumed;
  engine.produced += step.produced;
  const CodingLimits& limits = engine.limits;
  if (step.fault) return step;
  if (engine.produced > limits.output) {
    step.fault = CodingFault::kTooLarge;
  } else if (engine.produced > limits.ratio_from &&
             engine.produced / limits.ratio > engine.consumed) {
    step.fault = CodingFault::kBomb;
  } else if (last == Last::kYes && !step.ended && step.consumed == input.size() &&
             step.produced < output.size()) {
    step.fault = CodingFault::kTruncated;
  }
  step.ended = step.ended && last == Last::kYes && step.consumed == input.size() && !step.fault;
  return step;
}

Encoder::Encoder(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

Result<Encoder> Encoder::make(Coding coding, std::optional<int> level) {
  const Scale scale = scale_of(coding);
  const int wanted = level.value_or(scale.usual);
  if (wanted < scale.least || wanted > scale.most) {
    return fail("compress at level", std::to_string(wanted), EINVAL,
                std::string(name(coding)) + " takes " + std::to_string(scale.least) + " to " +
                    std::to_string(scale.most));
  }
  auto engine = coding == Coding::kBrotli ? make_brotli_encoder(wanted)
                : coding == Coding::kZstd ? make_zstd_encoder(wanted)
                                          : make_zlib_encoder(coding, wanted);
  if (!engine) return std::move(engine).error();
  return Encoder(std::move(*engine));
}

CodingStep Encoder::next(std::string_view input, std::span<char> output, Flush flush) {
  return engine_->next(input, output, flush);
}

}  // namespace plumb::http
