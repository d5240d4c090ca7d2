// SPDX-License-Identifier: Apache-2.0
// zstd (RFC 8878).
#include <zstd.h>
#include <zstd_errors.h>

#include <cerrno>

#include "http/coding_engine.h"

namespace plumb::http {
namespace {

class ZstdDecoder : public Decoder::Engine {
 public:
  explicit ZstdDecoder(int window_bits) : context_(::ZSTD_createDCtx()) {
    if (context_ != nullptr) ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_bits);
  }
  ~ZstdDecoder() override { ::ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  bool ready() const { return context_ != nullptr; }

  CodingStep next(std::string_view input, std::span<char> output, Last) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    CodingStep step;
    while (!(between_ && in.pos == in.size)) {
      const std::size_t before = in.pos + out.pos;
      const bool fresh = between_;
      const std::size_t result = ::ZSTD_decompressStream(context_, &out, &in);
      if (::ZSTD_isError(result) != 0) {
        step.fault = fault_of(::ZSTD_getErrorCode(result), fresh);
        break;
      }
      between_ = result == 0;
      if (!between_ && in.pos + out.pos == before) break;
      if (out.pos == out.size && !between_) break;
    }
    step.consumed = in.pos;
    step.produced = out.pos;
    step.ended = between_;
    return step;
  }

 private:
  static CodingFault fault_of(ZSTD_ErrorCode code, bool behind_a_frame) {
    if (code == ZSTD_error_frameParameter_windowTooLarge) return CodingFault::kWindow;
    if (code == ZSTD_error_prefix_unknown && behind_a_frame) return CodingFault::kTrailing;
    return CodingFault::kCorrupt;
  }

  ZSTD_DCtx* context_;
  bool between_ = false;  // behind a complete frame
};

class ZstdEncoder : public Encoder::Engine {
 public:
  explicit ZstdEncoder(int level) : context_(::ZSTD_createCCtx()) {
    if (context_ == nullptr) return;
    ::ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ::ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdEncoder() override { ::ZSTD_freeCCtx(context_); }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ZstdEncoder& operator=(const ZstdEncoder&) = delete;

  bool ready() const { return context_ != nullptr; }

  CodingStep next(std::string_view input, std::span<char> output, Flush flush) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const auto how = flush == Flush::kEnd     ? ZSTD_e_end
                     : flush == Flush::kFlush ? ZSTD_e_flush
                                              : ZSTD_e_continue;
    const std::size_t left = ::ZSTD_compressStream2(context_, &out, &in, how);
    CodingStep step;
    step.consumed = in.pos;
    step.produced = out.pos;
    step.ended = flush != Flush::kNone && left == 0 && in.pos == in.size;
    return step;
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

Result<std::unique_ptr<Decoder::Engine>> make_zstd_decoder(int window_bits) {
  auto decoder = std::make_unique<ZstdDecoder>(window_bits);
  if (!decoder->ready()) return fail("ZSTD_createDCtx", "", ENOMEM);
  return std::unique_ptr<Decoder::Engine>(std::move(decoder));
}

Result<std::unique_ptr<Encoder::Engine>> make_zstd_encoder(int level) {
  auto encoder = std::make_unique<ZstdEncoder>(level);
  if (!encoder->ready()) return fail("ZSTD_createCCtx", "", ENOMEM);
  return std::unique_ptr<Encoder::Engine>(std::move(encoder));
}

}  // namespace plumb::http
