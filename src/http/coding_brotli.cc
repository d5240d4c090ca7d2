// SPDX-License-Identifier: Apache-2.0
// br (RFC 7932).
#include <brotli/decode.h>
#include <brotli/encode.h>

#include <cerrno>

#include "http/coding_engine.h"

namespace plumb::http {
namespace {

// 512 KiB: what a server can afford for each response; br's own default of 4 MiB is meant for
// files.
constexpr std::uint32_t kEncoderWindowBits = 19;

class BrotliDecoder : public Decoder::Engine {
 public:
  BrotliDecoder() : state_(::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~BrotliDecoder() override { ::BrotliDecoderDestroyInstance(state_); }
  BrotliDecoder(const BrotliDecoder&) = delete;
  BrotliDecoder& operator=(const BrotliDecoder&) = delete;

  bool ready() const { return state_ != nullptr; }

  CodingStep next(std::string_view input, std::span<char> output, Last) override {
    CodingStep step;
    if (::BrotliDecoderIsFinished(state_) != 0) {
      step.ended = true;
      if (!input.empty()) step.fault = CodingFault::kTrailing;
      return step;
    }
    std::size_t in_left = input.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(input.data());
    std::size_t out_left = output.size();
    auto* out = reinterpret_cast<std::uint8_t*>(output.data());
    const auto result =
        ::BrotliDecoderDecompressStream(state_, &in_left, &in, &out_left, &out, nullptr);
    step.consumed = input.size() - in_left;
    step.produced = output.size() - out_left;
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      const bool window =
          ::BrotliDecoderGetErrorCode(state_) == BROTLI_DECODER_ERROR_FORMAT_WINDOW_BITS;
      step.fault = window ? CodingFault::kWindow : CodingFault::kCorrupt;
    } else if (result == BROTLI_DECODER_RESULT_SUCCESS) {
      step.ended = true;
      if (in_left > 0) step.fault = CodingFault::kTrailing;
    }
    return step;
  }

 private:
  BrotliDecoderState* state_;
};

class BrotliEncoder : public Encoder::Engine {
 public:
  explicit BrotliEncoder(int level)
      : state_(::BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) return;
    ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level));
    ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kEncoderWindowBits);
  }
  ~BrotliEncoder() override { ::BrotliEncoderDestroyInstance(state_); }
  BrotliEncoder(const BrotliEncoder&) = delete;
  BrotliEncoder& operator=(const BrotliEncoder&) = delete;

  bool ready() const { return state_ != nullptr; }

  CodingStep next(std::string_view input, std::span<char> output, Flush flush) override {
    const auto operation = flush == Flush::kEnd     ? BROTLI_OPERATION_FINISH
                           : flush == Flush::kFlush ? BROTLI_OPERATION_FLUSH
                                                    : BROTLI_OPERATION_PROCESS;
    std::size_t in_left = input.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(input.data());
    std::size_t out_left = output.size();
    auto* out = reinterpret_cast<std::uint8_t*>(output.data());
    ::BrotliEncoderCompressStream(state_, operation, &in_left, &in, &out_left, &out, nullptr);
    CodingStep step;
    step.consumed = input.size() - in_left;
    step.produced = output.size() - out_left;
    const bool drained = in_left == 0 && ::BrotliEncoderHasMoreOutput(state_) == 0;
    if (flush == Flush::kEnd) step.ended = ::BrotliEncoderIsFinished(state_) != 0;
    if (flush == Flush::kFlush) step.ended = drained;
    return step;
  }

 private:
  BrotliEncoderState* state_;
};

}  // namespace

Result<std::unique_ptr<Decoder::Engine>> make_brotli_decoder() {
  auto decoder = std::make_unique<BrotliDecoder>();
  if (!decoder->ready()) return fail("BrotliDecoderCreateInstance", "", ENOMEM);
  return std::unique_ptr<Decoder::Engine>(std::move(decoder));
}

Result<std::unique_ptr<Encoder::Engine>> make_brotli_encoder(int level) {
  auto encoder = std::make_unique<BrotliEncoder>(level);
  if (!encoder->ready()) return fail("BrotliEncoderCreateInstance", "", ENOMEM);
  return std::unique_ptr<Encoder::Engine>(std::move(encoder));
}

}  // namespace plumb::http
