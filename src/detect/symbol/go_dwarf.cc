// SPDX-License-Identifier: Apache-2.0
// Reading the members of runtime.g by libdw.
#include "detect/symbol/go_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <libelf.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "detect/symbol/debug_limits.h"

namespace plumb::detect {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{1};
constexpr std::size_t kMostEntries = 1U << 20U;
constexpr std::size_t kMostMembers = 512;

struct EndElf {
  void operator()(Elf* elf) const noexcept { ::elf_end(elf); }
};
struct EndDwarf {
  void operator()(Dwarf* dwarf) const noexcept { ::dwarf_end(dwarf); }
};

using Members = std::map<std::string, std::uint16_t, std::less<>>;

class Search {
 public:
  // Fills the structures that are asked for; true when all were found.
  bool run(Dwarf* dwarf, std::map<std::string, Members, std::less<>>& wanted);

 private:
  bool spend() { return ++spent_ < kMostEntries && (spent_ % 64 != 0 || Clock::now() < until_); }
  Members members(Dwarf_Die* structure);

  std::size_t spent_ = 0;
  Clock::time_point until_ = Clock::now() + kPatience;
};

Members Search::members(Dwarf_Die* structure) {
  Members found;
  Dwarf_Die member;
  if (::dwarf_child(structure, &member) != 0) return found;
  do {
    Dwarf_Attribute attribute;
    Dwarf_Word offset = 0;
    const char* name = ::dwarf_diename(&member);
    if (name == nullptr ||
        ::dwarf_attr(&member, DW_AT_data_member_location, &attribute) == nullptr ||
        ::dwarf_formudata(&attribute, &offset) != 0 || offset > 4096) {
      continue;
    }
    found.emplace(name, static_cast<std::uint16_t>(offset));
  } while (found.size() < kMostMembers && spend() && ::dwarf_siblingof(&member, &member) == 0);
  return found;
}

bool Search::run(Dwarf* dwarf, std::map<std::string, Members, std::less<>>& wanted) {
  std::size_t missing = wanted.size();
  Dwarf_Off at = 0;
  Dwarf_Off next = 0;
  std::size_t header = 0;
  for (; ::dwarf_nextcu(dwarf, at, &next, &header, nullptr, nullptr, nullptr) == 0; at = next) {
    Dwarf_Die unit;
    Dwarf_Die child;
    if (!spend() || ::dwarf_offdie(dwarf, at + header, &unit) == nullptr) return false;
    const char* package = ::dwarf_diename(&unit);
    if (package == nullptr || std::string_view(package) != "runtime") continue;
    if (::dwarf_child(&unit, &child) != 0) continue;
    do {
      if (!spend()) return false;
      if (::dwarf_tag(&child) != DW_TAG_structure_type) continue;
      const char* name = ::dwarf_diename(&child);
      const auto asked = name == nullptr ? wanted.end() : wanted.find(name);
      if (asked == wanted.end() || !asked->second.empty()) continue;
      asked->second = members(&child);
      if (!asked->second.empty() && --missing == 0) return true;
    } while (::dwarf_siblingof(&child, &child) == 0);
  }
  return false;
}

// Sets the fields; false where one is missing.
bool fill(GoLayout& layout, const Members& g, const Members& gobuf, const Members& m) {
  const auto get = [](const Members& members, std::string_view name, std::uint16_t& into,
                      std::uint16_t base = 0) {
    const auto found = members.find(name);
    if (found == members.end()) return false;
    into = static_cast<std::uint16_t>(base + found->second);
    return true;
  };
  std::uint16_t sched = 0;
  std::uint16_t parent = 0;
  if (get(g, "parentGoid", parent)) layout.parent = parent;
  return get(g, "stack", layout.stack_lo) && get(g, "stack", layout.stack_hi, 8) &&
         get(g, "m", layout.m) && get(g, "sched", sched) && get(gobuf, "sp", layout.sp, sched) &&
         get(gobuf, "pc", layout.pc, sched) && get(gobuf, "bp", layout.bp, sched) &&
         get(g, "syscallsp", layout.syscall_sp) && get(g, "syscallpc", layout.syscall_pc) &&
         get(g, "atomicstatus", layout.status) && get(g, "goid", layout.id) &&
         get(g, "waitsince", layout.wait_since) && get(g, "waitreason", layout.wait_reason) &&
         get(g, "lockedm", layout.locked_m) && get(g, "gopc", layout.go_pc) &&
         get(g, "startpc", layout.start_pc) && get(m, "procid", layout.m_procid);
}

}  // namespace

std::optional<GoLayout> read_go_layout(const FileImage& file) {
  if (!judge_debug_sections(file).readable || ::elf_version(EV_CURRENT) == EV_NONE) {
    return std::nullopt;
  }
  const UniqueFd descriptor(::fcntl(file.descriptor().get(), F_DUPFD_CLOEXEC, 3));
  if (!descriptor) return std::nullopt;
  // ELF_C_READ reads; a mapping would die with a file that shrinks.
  const std::unique_ptr<Elf, EndElf> elf(::elf_begin(descriptor.get(), ELF_C_READ, nullptr));
  if (!elf || ::elf_kind(elf.get()) != ELF_K_ELF) return std::nullopt;
  const std::unique_ptr<Dwarf, EndDwarf> dwarf(::dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr));
  if (!dwarf || !strings_end(elf.get())) return std::nullopt;
  std::map<std::string, Members, std::less<>> wanted{
      {"runtime.g", {}}, {"runtime.gobuf", {}}, {"runtime.m", {}}};
  GoLayout layout;
  if (!Search().run(dwarf.get(), wanted) ||
      !fill(layout, wanted["runtime.g"], wanted["runtime.gobuf"], wanted["runtime.m"])) {
    return std::nullopt;
  }
  return layout;
}

}  // namespace plumb::detect
