// SPDX-License-Identifier: Apache-2.0
// Walking the CIEs and FDEs of a section.
#include "detect/symbol/eh_frame.h"

#include <dwarf.h>

#include <optional>
#include <unordered_map>

#include "detect/symbol/byte_reader.h"
#include "detect/symbol/cfi_program.h"

namespace plumb::detect {
namespace {

// One length-prefixed entry.
struct EntryBounds {
  std::size_t start = 0;  // of the length field
  std::size_t id_at = 0;  // of the CIE pointer
  std::size_t end = 0;
  std::uint64_t id = 0;
  bool wide = false;  // 64-bit DWARF
};

class SectionWalk {
 public:
  SectionWalk(const CfiSection& section, UnwindTableBuilder& builder)
      : section_(section), builder_(builder) {}

  CfiSummary run() {
    std::size_t at = 0;
    while (section_.bytes.size() - at >= 4) {
      const auto entry = bounds(at);
      if (!entry) {
        ++summary_.damaged;
        break;
      }
      at = entry->end;
      if (entry->end - entry->id_at < 4) continue;  // a terminator; more sections may follow it
      if (is_cie(*entry)) {
        read_cie(*entry);
      } else {
        read_fde(*entry);
      }
    }
    return summary_;
  }

  // The function of one entry, with the CIE that it refers to.
  bool run_one(std::size_t at) {
    if (at >= section_.bytes.size()) return false;
    const auto entry = bounds(at);
    if (!entry || entry->end - entry->id_at < 4 || is_cie(*entry)) return false;
    const auto common_at = common_place(*entry);
    const auto common = common_at < at ? bounds(common_at) : std::nullopt;
    if (!common || common->end - common->id_at < 4 || !is_cie(*common)) return false;
    read_cie(*common);
    read_fde(*entry);
    return summary_.functions == 1;
  }

 private:
  std::optional<EntryBounds> bounds(std::size_t at) const {
    ByteReader reader(section_.bytes, at);
    EntryBounds entry;
    entry.start = at;
    std::uint64_t length = reader.read<std::uint32_t>();
    if (length == 0xffffffff) {
      entry.wide = true;
      length = reader.read<std::uint64_t>();
    }
    if (!reader.ok() || length > reader.remaining()) return std::nullopt;
    entry.id_at = reader.position();
    entry.end = entry.id_at + length;
    if (length >= 4) {
      entry.id = id_is_wide(entry) && length >= 8 ? reader.read<std::uint64_t>()
                                                  : reader.read<std::uint32_t>();
    }
    return entry;
  }

  // .eh_frame keeps a four-byte pointer even behind an eight-byte length.
  bool id_is_wide(const EntryBounds& entry) const {
    return entry.wide && section_.format == CfiFormat::kDebugFrame;
  }

  bool is_cie(const EntryBounds& entry) const {
    if (section_.format == CfiFormat::kEhFrame) return entry.id == 0;
    return entry.id == (entry.wide ? ~std::uint64_t{0} : 0xffffffff);
  }

  ByteReader content(const EntryBounds& entry) const {
    return ByteReader(section_.bytes.first(entry.end), entry.id_at + (id_is_wide(entry) ? 8 : 4));
  }

  void read_cie(const EntryBounds& entry) {
    ByteReader reader = content(entry);
    CfiCommon common;
    const auto version = reader.read<std::uint8_t>();
    std::string_view augmentation = reader.c_string();
    if (version >= 4) reader.skip(2);  // sizes of an address and of a segment selector
    common.code_alignment = reader.uleb();
    common.data_alignment = reader.sleb();
    const std::uint64_t return_column = version == 1 ? reader.read<std::uint8_t>() : reader.uleb();
    const bool sound = reader.ok() && (version == 1 || version == 3 || version == 4) &&
                       return_column == static_cast<std::uint64_t>(Register::kRip) &&
                       read_augmentation(reader, augmentation, common);
    if (!sound) {
      ++summary_.damaged;
      return;
    }
    CfiProgram program(common, section_.bytes, section_.address, builder_);
    const bool ran = program.run(reader.position(), entry.end, ElfAddress{0}, common.initial);
    if (!ran || program.rows().empty()) {
      ++summary_.damaged;
      return;
    }
    const bool signal_frame = common.initial.signal_frame;
    common.initial = program.rows().back().row;
    common.initial.signal_frame = signal_frame;
    commons_.emplace(entry.start, common);
  }

  bool read_augmentation(ByteReader& reader, std::string_view augmentation, CfiCommon& common) {
    if (augmentation.empty()) return true;
    if (augmentation.front() != 'z') return false;
    common.has_augmentation = true;
    const std::uint64_t length = reader.uleb();
    if (length > reader.remaining()) return false;
    const std::size_t end = reader.position() + length;
    for (const char letter : augmentation.substr(1)) {
      if (letter == 'R') {
        common.pointers = PointerEncoding(reader.read<std::uint8_t>());
      } else if (letter == 'L') {
        reader.skip(1);
      } else if (letter == 'P') {
        // The personality may be an indirect pointer: only its length matters here.
        if (!PointerEncoding(reader.read<std::uint8_t>()).read_length(reader)) return false;
      } else if (letter == 'S') {
        common.initial.signal_frame = true;
      } else {
        break;  // what it means is skipped with the rest of the data
      }
    }
    reader.seek(end);
    return reader.ok();
  }

  // Where the CIE of an FDE begins; beyond the section where that makes no sense.
  std::uint64_t common_place(const EntryBounds& entry) const {
    if (section_.format != CfiFormat::kEhFrame) return entry.id;
    return entry.id > entry.id_at ? section_.bytes.size() : entry.id_at - entry.id;
  }

  const CfiCommon* common_of(const EntryBounds& entry) const {
    const auto it = commons_.find(common_place(entry));
    return it == commons_.end() ? nullptr : &it->second;
  }

  void read_fde(const EntryBounds& entry) {
    const CfiCommon* common = common_of(entry);
    ByteReader reader = content(entry);
    std::optional<ElfAddress> start;
    std::optional<std::uint64_t> size;
    if (common != nullptr) {
      start = common->pointers.read(reader, section_.address, section_.data_base);
      size = common->pointers.read_length(reader);
      if (common->has_augmentation) reader.skip(reader.uleb());
    }
    const bool wraps = start && size && number(*start) + *size < number(*start);
    if (!start || !size || wraps || !reader.ok()) {
      ++summary_.damaged;
      return;
    }
    // The linker leaves the FDEs of discarded functions behind with address 0.
    if (*size == 0 || number(*start) == 0) return;
    CfiProgram program(*common, section_.bytes, section_.address, builder_);
    if (!program.run(reader.position(), entry.end, *start, common->initial)) ++summary_.damaged;
    const bool added = builder_.add_function(*start, *start + *size, program.rows());
    ++(added ? summary_.functions : summary_.left_out);
  }

  const CfiSection& section_;
  UnwindTableBuilder& builder_;
  CfiSummary summary_;
  std::unordered_map<std::uint64_t, CfiCommon> commons_;  // by start of the entry
};

}  // namespace

CfiSummary read_cfi(const CfiSection& section, UnwindTableBuilder& builder) {
  return SectionWalk(section, builder).run();
}

bool read_cfi_entry(const CfiSection& section, ElfAddress entry, UnwindTableBuilder& builder) {
  if (entry < section.address) return false;
  return SectionWalk(section, builder).run_one(number(entry) - number(section.address));
}

}  // namespace plumb::detect
