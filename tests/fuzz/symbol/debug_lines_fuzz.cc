// SPDX-License-Identifier: Apache-2.0
// Fuzzes the use of libdw on hostile DWARF, through a file in memory.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "detect/symbol/debug_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  plumb::UniqueFd file(::memfd_create("fuzzed", MFD_CLOEXEC));
  if (!file || ::write(file.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  auto image = FileImage::adopt(std::move(file), "fuzzed");
  if (!image) std::abort();
  const auto lines = DebugLines::open(**image, nullptr);
  if (!lines) return 0;
  for (std::uint64_t address = 0; address < 0x80; address += 3) {
    lines->find(ElfAddress{0x1000 + address});
  }
  return 0;
}
