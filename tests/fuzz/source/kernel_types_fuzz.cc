// SPDX-License-Identifier: Apache-2.0
// Any bytes as type information: what is wanted is read from them and reduced from them, and what
// comes out is type information again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "detect/source/kernel_types.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto wanted = wanted_types(bytes);
  if (!wanted) return 0;
  const auto reduced = reduced_types(bytes, *wanted);
  if (!reduced || !wanted_types(reduced->btf)) std::abort();
  return 0;
}
