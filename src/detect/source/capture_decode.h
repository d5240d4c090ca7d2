// SPDX-License-Identifier: Apache-2.0
// From the capturing programs' records (bpf/capture_abi.h) to pieces. Pure: bytes in, a piece out.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "detect/record/capture.h"

namespace plumb::detect {

// Nothing for a record that makes no sense.
std::optional<CapturePiece> decode_capture(std::span<const std::byte> bytes);

}  // namespace plumb::detect
