// SPDX-License-Identifier: Apache-2.0
// Finding the runtime's variables in a running process.
#include "detect/symbol/go_runtime.h"

#include <algorithm>
#include <cerrno>

#include "detect/symbol/go_dwarf.h"
#include "detect/symbol/go_references.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kLongestFunction = 64U << 10U;
constexpr std::uint64_t kMostData = 256U << 20U;  // of writable data that are searched
constexpr std::size_t kPieceWords = 128U << 10U;
constexpr std::size_t kMostReasons = 64;
constexpr std::size_t kLongestReason = 64;
constexpr std::size_t kSamples = 16;

// What the loader added to the addresses of a module, by its mapping of code.
std::optional<std::uint64_t> bias_of(ProcessView& process, const Module& module) {
  for (const Mapping& mapping : process.address_space().mappings()) {
    if (!mapping.executable || mapping.path != module.path()) continue;
    const auto linked = module.elf().address_at(mapping.file_offset);
    if (linked) return number(mapping.start) - number(*linked);
  }
  return std::nullopt;
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

GoRuntime::GoRuntime(ProcessView& process, const Module& module, std::uint64_t bias)
    : process_(&process), module_(&module), code_(std::make_unique<GoCode>(*module.go(), bias)) {}

bool GoRuntime::read(Address from, std::span<std::byte> into) const {
  return process_->access().read_memory(process_->process(), from, into) == into.size();
}

std::optional<GoRuntime::Slice> GoRuntime::slice(Address at) const {
  // An append writes the three words one by one.
  std::optional<Slice> before;
  for (int tries = 0; tries < 8; ++tries) {
    const auto now = read<Slice>(at);
    if (!now) return std::nullopt;
    const bool sound = now->length > 0 && now->length <= now->capacity &&
                       now->capacity <= kMostGoroutines && number(now->data) % 8 == 0 &&
                       number(now->data) >= 4096;
    if (sound && before == now) return now;
    if (!sound && before == now) return std::nullopt;
    before = now;
  }
  return std::nullopt;
}

std::vector<Address> GoRuntime::references_of(std::string_view function) const {
  const auto found = code_->table().find_named(function);
  if (!found || found->end <= found->entry) return {};
  const std::uint64_t size = number(found->end) - number(found->entry);
  std::vector<std::byte> bytes(std::min(size, kLongestFunction));
  const Address at = code_->loaded(found->entry);
  if (!read(at, bytes)) return {};
  auto references = rip_references(bytes, at);
  // Only words in writable data can be variables.
  std::erase_if(references, [this](Address address) {
    if (number(address) % 8 != 0) return true;
    return std::ranges::none_of(module_->elf().segments(), [&](const ElfSegment& segment) {
      const Address start = code_->loaded(segment.address);
      return segment.writable && address >= start &&
             number(address) - number(start) < segment.memory_size;
    });
  });
  return references;
}

std::string GoRuntime::text(Address string_header, std::size_t most) const {
  struct {
    Address data{};
    std::uint64_t length = 0;
  } header;
  if (!read(string_header, std::as_writable_bytes(std::span(&header, 1)))) return {};
  if (header.length == 0 || header.length > most) return {};
  std::string found(header.length, '\0');
  if (!read(header.data, std::as_writable_bytes(std::span(found)))) return {};
  return printable(found) ? found : std::string();
}

// runtime.buildVersion: schedinit sets it where the linker did not.
void GoRuntime::find_version() {
  for (const Address address : references_of("runtime.schedinit")) {
    std::string found = text(address, 128);
    if (!parse_go_version(found)) continue;
    version_ = std::move(found);
    return;
  }
}

std::vector<std::pair<GoLayout, std::string>> GoRuntime::layouts() const {
  std::vector<std::pair<GoLayout, std::string>> found;
  for (const Mapping& mapping : process_->address_space().mappings()) {
    if (!mapping.executable || mapping.path != module_->path()) continue;
    const auto image = process_->access().image(process_->process(), mapping);
    const auto* file = image ? dynamic_cast<const FileImage*>(image->get()) : nullptr;
    const auto layout = file != nullptr ? read_go_layout(*file) : std::nullopt;
    if (layout) found.emplace_back(*layout, "DWARF");
    break;
  }
  const auto name = [](GoVersion version) {
    return "the table of Go " + std::to_string(version.major) + "." + std::to_string(version.minor);
  };
  const auto& all = known_go_layouts();
  const auto version = parse_go_version(version_);
  const auto known = version ? go_layout(*version) : std::nullopt;
  // A version beyond the table is a guess like all others.
  if (known && *version <= all.back().first) {
    found.emplace_back(known->layout, name(known->first));
  }
  for (auto guess = all.rbegin(); guess != all.rend(); ++guess) {
    found.emplace_back(guess->layout, name(guess->first) + " (guessed)");
  }
  return found;
}

bool GoRuntime::holds_goroutines(Address at, const GoLayout& layout) {
  const auto all = slice(at);
  if (!all) return false;
  std::vector<Address> pointers(std::min<std::uint64_t>(all->length, kSamples));
  if (!read(all->data, std::as_writable_bytes(std::span(pointers)))) return false;
  std::vector<std::byte> bytes(layout.size());
  std::size_t good = 0;
  std::size_t bad = 0;
  for (const Address pointer : pointers) {
    const bool can_be = number(pointer) % 8 == 0 && read(pointer, bytes);
    const auto raw = can_be ? decode_goroutine(bytes, layout) : std::nullopt;
    const Plausible judged = raw ? judge(*raw, *code_) : Plausible::kNo;
    if (judged == Plausible::kYes) ++good;
    if (judged == Plausible::kNo) ++bad;
  }
  // One may be on the move while it is read.
  return good > 0 && bad * 8 <= good;
}

template <typename Visit>
bool GoRuntime::search_data(std::size_t overlap, Visit visit) const {
  std::vector<std::uint64_t> words;
  for (const ElfSegment& segment : module_->elf().segments()) {
    if (!segment.writable) continue;
    const std::uint64_t all = std::min(segment.memory_size, kMostData) / 8;
    const Address start = code_->loaded(segment.address);
    for (std::uint64_t at = 0; at < all; at += kPieceWords) {
      words.resize(std::min<std::uint64_t>(all - at, kPieceWords + overlap));
      const auto bytes = std::as_writable_bytes(std::span(words));
      const std::size_t got =
          process_->access().read_memory(process_->process(), start + at * 8, bytes);
      words.resize(got / 8);
      if (visit(start + at * 8, std::span<const std::uint64_t>(words))) return true;
    }
  }
  return false;
}

bool GoRuntime::find_goroutines() {
  const auto candidates = references_of("runtime.allgadd");
  for (const auto& [layout, source] : layouts()) {
    for (const Address address : candidates) {
      if (!holds_goroutines(address, layout)) continue;
      goroutines_ = address;
      layout_ = layout;
      layout_source_ = source;
      return true;
    }
    const bool found = search_data(2, [&](Address start, std::span<const std::uint64_t> words) {
      for (std::size_t at = 0; at + 3 <= words.size(); ++at) {
        const bool slice = words[at] >= 4096 && words[at] % 8 == 0 && words[at + 1] > 0 &&
                           words[at + 1] <= words[at + 2] && words[at + 2] <= kMostGoroutines;
        if (!slice || !holds_goroutines(start + at * 8, layout)) continue;
        goroutines_ = start + at * 8;
        return true;
      }
      return false;
    });
    if (!found) continue;
    layout_ = layout;
    layout_source_ = source + ", list found by its content";
    return true;
  }
  return false;
}

// runtime.waitReasonStrings: "", "GC assist marking", "IO wait" and more. That has been the
// beginning since Go 1.14; what follows was put in another order by 1.26.
void GoRuntime::find_wait_reasons() {
  constexpr std::size_t kFirst = 6;
  search_data(kFirst, [&](Address start, std::span<const std::uint64_t> words) {
    for (std::size_t at = 0; at + kFirst <= words.size(); ++at) {
      const bool alike = words[at + 1] == 0 && words[at + 3] == 17 && words[at + 5] == 7;
      const Address array = start + at * 8;
      if (!alike || text(array + 16, kLongestReason) != "GC assist marking" ||
          text(array + 32, kLongestReason) != "IO wait") {
        continue;
      }
      wait_reasons_.emplace_back();
      while (wait_reasons_.size() < kMostReasons) {
        std::string reason = text(array + 16 * wait_reasons_.size(), kLongestReason);
        if (reason.empty()) break;
        wait_reasons_.push_back(std::move(reason));
      }
      return true;
    }
    return false;
  });
}

Result<GoRuntime> GoRuntime::find(ProcessView& process) {
  const std::string who = std::to_string(number(process.process()));
  for (Module* module : process.modules()) {
    if (module->go() == nullptr) continue;
    const auto bias = bias_of(process, *module);
    if (!bias) continue;
    GoRuntime runtime(process, *module, *bias);
    const auto main = module->go()->find_named("runtime.main");
    if (!main) continue;
    if (!runtime.read<std::uint64_t>(runtime.code().loaded(main->entry))) {
      return fail("read memory of", who, EPERM, "run as root or as its owner");
    }
    runtime.find_version();
    if (!runtime.find_goroutines()) {
      return fail("find the goroutines of", who, ENOTSUP,
                  "its Go (" + (runtime.version_.empty() ? "of no version" : runtime.version_) +
                      ") keeps them in a way that plumb does not know; plumb trace and plumb ls "
                      "work");
    }
    runtime.find_wait_reasons();
    return runtime;
  }
  return fail("find Go in", who, ENOEXEC, "built by Go 1.17 or later is needed");
}

}  // namespace plumb::detect
