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
      if (!begins_a_frame(input.substr(in.pos))) {
        step.fault = frames_ == 0 ? CodingFault::kCorrupt : CodingFault::kTrailing;
        break;
      }
      const std::size_t result = ::ZSTD_decompressStream(context_, &out, &in);
      if (::ZSTD_isError(result) != 0) {
        step.fault = fault_of(::ZSTD_getErrorCode(result));
        break;
      }
      between_ = result == 0;
      if (between_) {
        ++frames_;
        magic_seen_ = 0;
      }
      if (!between_ && in.pos + out.pos == before) break;
      if (out.pos == out.size && !between_) break;
    }
    step.consumed = in.pos;
    step.produced = out.pos;
    step.ended = between_;
    return step;
  }

 private:
  // The library also reads frames of its versions before 1.0, with older code, without our limit of
  // the window and with verdicts that depend on how the input is cut. RFC 8878 knows two kinds:
  // section 3.1.1 (magic number FD2FB528) and 3.1.2 (184D2A50 to 184D2A5F), little-endian.
  bool begins_a_frame(std::string_view input) {
    constexpr std::string_view kFrame = "\x28\xb5\x2f\xfd";
    constexpr std::string_view kSkippable = "\x50\x2a\x4d\x18";
    for (std::size_t i = 0; magic_seen_ < kFrame.size() && i < input.size(); ++i, ++magic_seen_) {
      const char low = static_cast<char>(input[i] & 0xf0);
      if (magic_seen_ == 0) skippable_ = low == kSkippable[0];
      const char expected = (skippable_ ? kSkippable : kFrame)[magic_seen_];
      if ((magic_seen_ == 0 && skippable_ ? low : input[i]) != expected) return false;
    }
    return true;
  }

  static CodingFault fault_of(ZSTD_ErrorCode code) {
    const bool window = code == ZSTD_error_frameParameter_windowTooLarge;
    return window ? CodingFault::kWindow : CodingFault::kCorrupt;
  }

  ZSTD_DCtx* context_;
  bool between_ = false;        // behind a complete frame
  std::uint64_t frames_ = 0;    // complete ones
  std::size_t magic_seen_ = 0;  // bytes of this frame's magic number that have come
  bool skippable_ = false;      // that it is of a skippable frame
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
