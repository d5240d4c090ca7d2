// SPDX-License-Identifier: Apache-2.0
// Fuzzes everything that is read from an ELF file: headers, notes, symbols, stubs, frame
// information.
#include <memory>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/module.h"
#include "detect/symbol/symbol_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const auto image = std::make_shared<MemoryImage>(std::vector<std::byte>(bytes, bytes + size));
  const auto module = Module::load(image, "fuzzed", 1);
  if (!module->readable()) return 0;
  SymbolTable symbols;
  add_symbols(*image, module->elf(), symbols);
  symbols.finish();
  for (const ElfSegment& segment : module->elf().segments()) {
    const ElfAddress middle = segment.address + segment.file_size / 2;
    symbols.find(middle);
    module->unwind_table().find(middle);
    if (module->go() != nullptr) module->go()->frames(middle);
  }
  return 0;
}
