// SPDX-License-Identifier: Apache-2.0
// SymbolTable: which function an address belongs to, from .symtab or .dynsym, and which imported
// function a PLT stub leads to. Compact: 16 bytes a symbol besides the names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/address.h"
#include "detect/symbol/elf_image.h"

namespace plumb::detect {

struct SymbolName {
  std::string_view name;     // mangled; lives as long as the table
  std::uint64_t offset = 0;  // bytes from the symbol's start
};

class SymbolTable {
 public:
  static constexpr std::size_t kMostSymbols = 8U << 20U;
  static constexpr std::uint64_t kMostNameBytes = 512U << 20U;

  // Adds the functions of an Elf64_Sym array with its string table. Later ones are used where
  // earlier ones say nothing.
  void add(std::span<const std::byte> symbols, std::span<const std::byte> names);
  // Adds one name for a range of code.
  void add(ElfAddress start, std::uint64_t size, std::string_view name);
  // Sorts; find() works from then on.
  void finish();

  // The function that holds the address. A symbol without a size reaches to the next symbol, but at
  // most 64 KiB.
  std::optional<SymbolName> find(ElfAddress address) const noexcept;
  // Where a landmark is: a variable by which an interpreter is found and told apart.
  static constexpr std::array<std::string_view, 3> kLandmarks{"_PyRuntime", "Py_Version",
                                                              "v8dbg_SmiTag"};
  std::optional<ElfAddress> landmark(std::string_view name) const noexcept;

  std::size_t size() const noexcept { return symbols_.size(); }

 private:
  struct Symbol {
    std::uint64_t start;
    std::uint32_t size;
    std::uint32_t name;  // offset in names_
  };
  std::string_view name_at(std::uint32_t offset) const noexcept;

  std::vector<Symbol> symbols_;
  std::vector<char> names_;
  std::array<std::optional<ElfAddress>, kLandmarks.size()> landmarks_;
};

// Adds what `elf` exports: .dynsym.
void add_exports(const ImageSource& source, const ElfImage& elf, SymbolTable& table);
// Adds what `elf` itself has: .symtab, .dynsym, and NAME@plt for its stubs.
void add_symbols(const ImageSource& source, const ElfImage& elf, SymbolTable& table);

}  // namespace plumb::detect
