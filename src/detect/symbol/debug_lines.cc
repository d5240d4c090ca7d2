// SPDX-License-Identifier: Apache-2.0
// Bounded use of libdw.
#include "detect/symbol/debug_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <libelf.h>

#include <algorithm>
#include <map>

#include "detect/symbol/debug_limits.h"

namespace plumb::detect {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{1};
constexpr std::size_t kMostDies = 8U << 20U;
constexpr int kDeepest = 64;

struct EndElf {
  void operator()(Elf* elf) const noexcept { ::elf_end(elf); }
};
struct EndDwarf {
  void operator()(Dwarf* dwarf) const noexcept { ::dwarf_end(dwarf); }
};

// A budget of entries and of time, shared by everything that answers one question.
class Budget {
 public:
  bool spend() {
    if (spent_) return false;
    if (--left_ == 0) spent_ = true;
    // Asking for the time costs as much as reading a small entry.
    if (left_ % 64 == 0 && Clock::now() > until_) spent_ = true;
    return !spent_;
  }
  bool spent() const { return spent_; }

 private:
  std::size_t left_ = kMostDies;
  Clock::time_point until_ = Clock::now() + kPatience;
  bool spent_ = false;
};

struct Range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  Dwarf_Off die = 0;
};

std::string text(const char* value) {
  return value == nullptr ? std::string() : value;
}

std::string linkage_name(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned which : {unsigned{DW_AT_linkage_name}, unsigned{DW_AT_MIPS_linkage_name}}) {
    if (::dwarf_attr_integrate(die, which, &attribute) != nullptr) {
      if (const char* name = ::dwarf_formstring(&attribute)) return name;
    }
  }
  return text(::dwarf_diename(die));
}

std::optional<std::uint64_t> constant(Dwarf_Die* die, unsigned which) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (::dwarf_attr(die, which, &attribute) == nullptr) return std::nullopt;
  if (::dwarf_formudata(&attribute, &value) != 0) return std::nullopt;
  return value;
}

}  // namespace

struct DebugLines::Impl {
  UniqueFd file;
  std::unique_ptr<Elf, EndElf> elf;
  UniqueFd other_file;
  std::unique_ptr<Elf, EndElf> other_elf;
  std::unique_ptr<Dwarf, EndDwarf> other;
  std::unique_ptr<Dwarf, EndDwarf> dwarf;  // ends before what it refers to

  bool given_up = false;
  std::optional<std::vector<Range>> units;            // sorted by start
  std::map<Dwarf_Off, std::vector<Range>> functions;  // of a unit, by the offset of its DIE

  void add_ranges(Dwarf_Die* die, std::vector<Range>& into, Budget& budget);
  void list_units(Budget& budget);
  void list_functions(Dwarf_Die* parent, int depth, std::vector<Range>& into, Budget& budget);
  const Range* function_at(Dwarf_Die* unit, std::uint64_t address, Budget& budget);
  std::vector<Dwarf_Die> inlined_at(Dwarf_Die function, std::uint64_t address, Budget& budget);
  void position(Dwarf_Die* unit, std::uint64_t address, SourcePosition& into);
};

namespace {

// Duplicates the descriptor, because libdw and the caller close theirs at different times.
bool begin(const FileImage& image, UniqueFd& file, std::unique_ptr<Elf, EndElf>& elf,
           std::unique_ptr<Dwarf, EndDwarf>& dwarf) {
  file = UniqueFd(::fcntl(image.descriptor().get(), F_DUPFD_CLOEXEC, 3));
  if (!file || ::elf_version(EV_CURRENT) == EV_NONE) return false;
  // ELF_C_READ reads; the memory-mapping variants would die with a file that shrinks.
  elf.reset(::elf_begin(file.get(), ELF_C_READ, nullptr));
  if (!elf || ::elf_kind(elf.get()) != ELF_K_ELF) return false;
  dwarf.reset(::dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr));
  return dwarf != nullptr && strings_end(elf.get());
}

const Range* find_range(const std::vector<Range>& ranges, std::uint64_t address) {
  auto it = std::upper_bound(ranges.begin(), ranges.end(), address,
                             [](std::uint64_t at, const Range& range) { return at < range.start; });
  // Nested ranges are rare (Rust, GNAT): the nearest start that still covers the address wins.
  for (int tries = 0; tries < 16 && it != ranges.begin(); ++tries) {
    --it;
    if (address < it->end) return &*it;
  }
  return nullptr;
}

void sort(std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
}

}  // namespace

DebugLines::DebugLines(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DebugLines::~DebugLines() = default;

std::unique_ptr<DebugLines> DebugLines::open(const FileImage& file, const FileImage* alternative) {
  const auto limits = judge_debug_sections(file);
  if (!limits.readable || (limits.needs_alternative && alternative == nullptr)) return nullptr;
  auto impl = std::make_unique<Impl>();
  if (!begin(file, impl->file, impl->elf, impl->dwarf)) return nullptr;
  if (limits.needs_alternative) {
    if (!judge_debug_sections(*alternative).readable) return nullptr;
    if (!begin(*alternative, impl->other_file, impl->other_elf, impl->other)) return nullptr;
    ::dwarf_setalt(impl->dwarf.get(), impl->other.get());
  }
  return std::unique_ptr<DebugLines>(new DebugLines(std::move(impl)));
}

void DebugLines::Impl::add_ranges(Dwarf_Die* die, std::vector<Range>& into, Budget& budget) {
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  std::ptrdiff_t at = 0;
  while (budget.spend() && (at = ::dwarf_ranges(die, at, &base, &start, &end)) > 0) {
    if (start < end && start != 0) into.push_back({start, end, ::dwarf_dieoffset(die)});
  }
}

void DebugLines::Impl::list_units(Budget& budget) {
  std::vector<Range> found;
  Dwarf_Off at = 0;
  Dwarf_Off next = 0;
  std::size_t header_size = 0;
  while (budget.spend() &&
         ::dwarf_nextcu(dwarf.get(), at, &next, &header_size, nullptr, nullptr, nullptr) == 0) {
    Dwarf_Die unit;
    if (::dwarf_offdie(dwarf.get(), at + header_size, &unit) != nullptr &&
        ::dwarf_tag(&unit) == DW_TAG_compile_unit) {
      add_ranges(&unit, found, budget);
    }
    if (next <= at) break;
    at = next;
  }
  sort(found);
  units = std::move(found);
}

void DebugLines::Impl::list_functions(Dwarf_Die* parent, int depth, std::vector<Range>& into,
                                      Budget& budget) {
  Dwarf_Die die;
  if (depth > kDeepest || ::dwarf_child(parent, &die) != 0) return;
  do {
    if (!budget.spend()) return;
    switch (::dwarf_tag(&die)) {
      case DW_TAG_subprogram:
        add_ranges(&die, into, budget);
        break;
      case DW_TAG_namespace:
      case DW_TAG_module:
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
      case DW_TAG_enumeration_type:
        list_functions(&die, depth + 1, into, budget);
        break;
      default:
        break;
    }
  } while (::dwarf_siblingof(&die, &die) == 0);
}

const Range* DebugLines::Impl::function_at(Dwarf_Die* unit, std::uint64_t address, Budget& budget) {
  const auto [it, fresh] = functions.try_emplace(::dwarf_dieoffset(unit));
  if (fresh) {
    list_functions(unit, 0, it->second, budget);
    sort(it->second);
  }
  return find_range(it->second, address);
}

// The inlined calls around an address, outermost first.
std::vector<Dwarf_Die> DebugLines::Impl::inlined_at(Dwarf_Die function, std::uint64_t address,
                                                    Budget& budget) {
  std::vector<Dwarf_Die> found;
  Dwarf_Die parent = function;
  for (int depth = 0; depth < kDeepest; ++depth) {
    Dwarf_Die die;
    if (::dwarf_child(&parent, &die) != 0) return found;
    bool deeper = false;
    do {
      if (!budget.spend()) return found;
      const int tag = ::dwarf_tag(&die);
      if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) continue;
      if (::dwarf_haspc(&die, address) != 1) continue;
      if (tag == DW_TAG_inlined_subroutine) found.push_back(die);
      parent = die;
      deeper = true;
      break;
    } while (::dwarf_siblingof(&die, &die) == 0);
    if (!deeper) return found;
  }
  return found;
}

void DebugLines::Impl::position(Dwarf_Die* unit, std::uint64_t address, SourcePosition& into) {
  const auto program = constant(unit, DW_AT_stmt_list);
  if (!program || !line_program_is_bounded(elf.get(), *program)) return;
  Dwarf_Line* line = ::dwarf_getsrc_die(unit, address);
  if (line == nullptr) return;
  into.file = text(::dwarf_linesrc(line, nullptr, nullptr));
  int number = 0;
  if (::dwarf_lineno(line, &number) == 0 && number > 0) {
    into.line = static_cast<std::uint32_t>(number);
  }
}

std::vector<SourcePosition> DebugLines::find(ElfAddress elf_address) {
  std::vector<SourcePosition> positions;
  const std::uint64_t address = number(elf_address);
  Impl& impl = *impl_;
  if (impl.given_up) return positions;
  Budget budget;
  if (!impl.units) impl.list_units(budget);
  const Range* unit_range = find_range(*impl.units, address);
  Dwarf_Die unit;
  if (unit_range != nullptr &&
      ::dwarf_offdie(impl.dwarf.get(), unit_range->die, &unit) != nullptr) {
    SourcePosition current;
    impl.position(&unit, address, current);
    const Range* function_range = impl.function_at(&unit, address, budget);
    Dwarf_Die function;
    if (function_range != nullptr &&
        ::dwarf_offdie(impl.dwarf.get(), function_range->die, &function) != nullptr) {
      auto inlined = impl.inlined_at(function, address, budget);
      Dwarf_Files* files = nullptr;
      std::size_t file_count = 0;
      if (!current.file.empty()) ::dwarf_getsrcfiles(&unit, &files, &file_count);
      // From the innermost call outwards: each tells its own name, and where it was called from.
      for (; !inlined.empty(); inlined.pop_back()) {
        Dwarf_Die& call = inlined.back();
        current.function = linkage_name(&call);
        current.inlined = true;
        positions.push_back(std::move(current));
        current = {};
        const auto file = constant(&call, DW_AT_call_file);
        if (files != nullptr && file && *file < file_count) {
          current.file = text(::dwarf_filesrc(files, *file, nullptr, nullptr));
        }
        const auto line = constant(&call, DW_AT_call_line);
        if (line && *line > 0 && *line <= 0xffffffff) {
          current.line = static_cast<std::uint32_t>(*line);
        }
      }
      current.function = linkage_name(&function);
      current.function_offset = address - function_range->start;
    }
    if (!current.function.empty() || !current.file.empty()) positions.push_back(std::move(current));
  }
  impl.given_up = budget.spent();
  return positions;
}

}  // namespace plumb::detect
