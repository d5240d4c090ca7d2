// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reading of call frame information, and one step of unwinding by each rule found.
#include <array>
#include <cstdint>

#include "detect/symbol/eh_frame.h"
#include "detect/symbol/unwind_step.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  if (size < 1) return 0;
  const std::span bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const auto format = data[0] % 2 == 0 ? CfiFormat::kEhFrame : CfiFormat::kDebugFrame;
  UnwindTableBuilder builder;
  read_cfi({format, bytes, ElfAddress{0x1000}, ElfAddress{0x800}}, builder);
  const UnwindTable table = std::move(builder).build();
  Registers registers;
  for (std::size_t index = 0; index < Registers::kCount; ++index) registers.set(index, 0x2000);
  const std::array<std::byte, 256> stack{};
  const StackCopy copy(Address{0x2000}, stack);
  for (std::size_t entry = 0; entry < table.entry_count(); ++entry) {
    const auto* rule = table.find(table.start_of(entry));
    if (rule != nullptr) step_by_rule(table, *rule, registers, copy);
  }
  return 0;
}
