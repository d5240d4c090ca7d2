// SPDX-License-Identifier: Apache-2.0
// Bounded xz decompression through liblzma.
#include "detect/symbol/mini_debug.h"

#include <lzma.h>

#include <algorithm>
#include <cerrno>

namespace plumb::detect {
namespace {

constexpr std::size_t kMostUnpacked = 64U << 20U;
constexpr std::uint64_t kMostMemory = 64U
                                      << 20U;  // xz -9 wants 65 MiB, distributions use -6: 9 MiB

}  // namespace

Result<std::vector<std::byte>> unpack_xz(std::span<const std::byte> packed) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMostMemory, 0) != LZMA_OK) {
    return fail("unpack .gnu_debugdata", "", ENOMEM);
  }
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::vector<std::byte> unpacked;
  lzma_ret state = LZMA_OK;
  while (state == LZMA_OK && unpacked.size() < kMostUnpacked) {
    const std::size_t had = unpacked.size();
    unpacked.resize(std::min(kMostUnpacked, std::max<std::size_t>(64U << 10U, had * 2)));
    stream.next_out = reinterpret_cast<std::uint8_t*>(unpacked.data() + had);
    stream.avail_out = unpacked.size() - had;
    state = lzma_code(&stream, LZMA_FINISH);
    unpacked.resize(unpacked.size() - stream.avail_out);
  }
  lzma_end(&stream);
  if (state == LZMA_STREAM_END) return unpacked;
  const bool too_big = state == LZMA_OK || state == LZMA_MEMLIMIT_ERROR;
  return fail("unpack .gnu_debugdata", "", too_big ? EFBIG : EBADMSG);
}

}  // namespace plumb::detect
