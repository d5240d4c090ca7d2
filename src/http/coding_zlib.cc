// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952) and deflate (RFC 1950, and the raw RFC 1951 that some send under its name).
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "http/coding_engine.h"

namespace plumb::http {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzip = 16;  // added to the window bits: zlib's way to say "with a gzip header"
constexpr int kMemoryLevel = 8;

constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();

// zlib reads through a pointer to non-const, but does not write.
void offer(z_stream& stream, std::string_view input, std::span<char> output) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(std::min(input.size(), kMostAtOnce));
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(std::min(output.size(), kMostAtOnce));
}

CodingStep taken(const z_stream& stream, std::string_view input, std::span<char> output) {
  CodingStep step;
  step.consumed = std::min(input.size(), kMostAtOnce) - stream.avail_in;
  step.produced = std::min(output.size(), kMostAtOnce) - stream.avail_out;
  return step;
}

class ZlibDecoder : public Decoder::Engine {
 public:
  ~ZlibDecoder() override { ::inflateEnd(&stream_); }

  static Result<std::unique_ptr<Decoder::Engine>> make(Coding coding) {
    auto decoder = std::unique_ptr<ZlibDecoder>(new ZlibDecoder(coding));
    const int bits = coding == Coding::kGzip ? kWindowBits + kGzip : kWindowBits;
    if (::inflateInit2(&decoder->stream_, bits) != Z_OK) return fail("inflateInit2", "", ENOMEM);
    return std::unique_ptr<Decoder::Engine>(std::move(decoder));
  }

  CodingStep next(std::string_view input, std::span<char> output, Last last) override {
    CodingStep done;
    if (!chosen_) {
      if (input.size() < 2 && last == Last::kNo) return {};
      if (coding_ == Coding::kDeflate && !has_zlib_header(input))
        ::inflateReset2(&stream_, -kWindowBits);
      chosen_ = true;
    }
    for (;;) {
      const auto rest = input.substr(done.consumed);
      const auto room = output.subspan(done.produced);
      if (between_) {
        done.ended = true;
        if (rest.empty()) return done;
        if (coding_ != Coding::kGzip || rest.front() != '\x1f') {
          done.fault = CodingFault::kTrailing;
          return done;
        }
        ::inflateReset(&stream_);
        between_ = false;
        done.ended = false;
      }
      offer(stream_, rest, room);
      const int result = ::inflate(&stream_, Z_NO_FLUSH);
      const CodingStep step = taken(stream_, rest, room);
      done.consumed += step.consumed;
      done.produced += step.produced;
      if (result == Z_STREAM_END) {
        between_ = true;
        continue;
      }
      if (result != Z_OK && result != Z_BUF_ERROR) done.fault = CodingFault::kCorrupt;
      return done;
    }
  }

 private:
  explicit ZlibDecoder(Coding coding) : coding_(coding) {}

  static bool has_zlib_header(std::string_view input) {
    if (input.size() < 2) return true;
    const auto first = static_cast<unsigned char>(input[0]);
    const auto second = static_cast<unsigned char>(input[1]);
    return (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
  }

  Coding coding_;
  bool chosen_ = false;   // which format it is
  bool between_ = false;  // behind a complete member
  z_stream stream_{};
};

class ZlibEncoder : public Encoder::Engine {
 public:
  ~ZlibEncoder() override { ::deflateEnd(&stream_); }

  static Result<std::unique_ptr<Encoder::Engine>> make(Coding coding, int level) {
    std::unique_ptr<ZlibEncoder> encoder(new ZlibEncoder);
    const int bits = coding == Coding::kGzip ? kWindowBits + kGzip : kWindowBits;
    if (::deflateInit2(&encoder->stream_, level, Z_DEFLATED, bits, kMemoryLevel,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      return fail("deflateInit2", "", ENOMEM);
    }
    return std::unique_ptr<Encoder::Engine>(std::move(encoder));
  }

  CodingStep next(std::string_view input, std::span<char> output, Flush flush) override {
    offer(stream_, input, output);
    const int how = flush == Flush::kEnd     ? Z_FINISH
                    : flush == Flush::kFlush ? Z_SYNC_FLUSH
                                             : Z_NO_FLUSH;
    const int result = ::deflate(&stream_, how);
    CodingStep step = taken(stream_, input, output);
    if (flush == Flush::kEnd) step.ended = result == Z_STREAM_END;
    if (flush == Flush::kFlush) step.ended = step.consumed == input.size() && stream_.avail_out > 0;
    return step;
  }

 private:
  ZlibEncoder() = default;
  z_stream stream_{};
};

}  // namespace

Result<std::unique_ptr<Decoder::Engine>> make_zlib_decoder(Coding coding) {
  return ZlibDecoder::make(coding);
}

Result<std::unique_ptr<Encoder::Engine>> make_zlib_encoder(Coding coding, int level) {
  return ZlibEncoder::make(coding, level);
}

}  // namespace plumb::http
