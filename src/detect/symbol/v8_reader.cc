// SPDX-License-Identifier: Apache-2.0
// Naming JavaScript functions.
#include "detect/symbol/v8_reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "detect/symbol/v8_scope.h"

namespace plumb::detect {
namespace {

constexpr std::uint64_t kShapeBits = (std::uint64_t{1} << 48U) - 1;
// V8 is millions of lines: a file with less code than this (node 20 has 26 MiB) has none.
constexpr std::uint64_t kLeastCode = 8U << 20U;

bool may_be_v8(const Mapping& mapping) {
  return number(mapping.end) - number(mapping.start) >= kLeastCode;
}

const Mapping* mapping_of(const ProcessView& process, const Module& module) {
  const auto& mappings = process.address_space().mappings();
  const auto found = std::ranges::find(mappings, module.path(), &Mapping::path);
  return found != mappings.end() ? &*found : nullptr;
}

}  // namespace

V8Reader::V8Reader(const ProcessAccess& access, Pid process, const V8Layout& layout)
    : heap_(access, process, layout), lines_(heap_) {}

// The lines look at the heap beside them.
V8Reader::V8Reader(V8Reader&& other) noexcept
    : heap_(other.heap_), lines_(heap_), names_(std::move(other.names_)) {}

V8Reader& V8Reader::operator=(V8Reader&& other) noexcept {
  heap_ = other.heap_;
  lines_ = V8Lines(heap_);
  names_ = std::move(other.names_);
  return *this;
}

std::optional<V8Reader> V8Reader::find(ProcessView& process) {
  for (Module* module : process.modules(may_be_v8)) {
    if (!module->landmark("v8dbg_SmiTag")) continue;
    const Mapping* mapping = mapping_of(process, *module);
    if (mapping == nullptr) continue;
    const auto image = process.access().image(process.process(), *mapping);
    if (!image) continue;
    if (const auto layout = v8_layout(read_v8_constants(**image, module->elf()))) {
      return V8Reader(process.access(), process.process(), *layout);
    }
  }
  return std::nullopt;
}

bool V8Reader::still_there(const V8Sample& sample) const {
  const V8FrameLayout& layout = frame_layout();
  const std::uint64_t shared = number(sample.shared);
  const auto shape = heap_.word(shared, layout.shared_shape);
  return heap_.type(shared) == layout.shared_type &&
         heap_.word(shared, layout.shared_script) == number(sample.script) && shape &&
         (*shape & kShapeBits) == sample.shape &&
         heap_.half(shared, layout.shared_identity) == sample.identity;
}

std::optional<Frame> V8Reader::read(const V8Sample& sample) {
  const V8Layout& layout = heap_.layout();
  const std::uint64_t script = number(sample.script);
  if (heap_.type(script) != layout.script_type) return std::nullopt;
  const auto info = heap_.word(number(sample.shared), layout.shared_name);
  if (!info) return std::nullopt;
  const auto source = heap_.characters(heap_.word(script, layout.script_source).value_or(0));

  Frame frame;
  frame.kind = FrameKind::kJit;
  frame.file = heap_.text(heap_.word(script, layout.script_name).value_or(0)).value_or("");
  if (frame.file.empty()) frame.file = "(eval)";
  bool whole = false;
  if (heap_.is_string(*info)) {
    frame.function = heap_.text(*info).value_or("");
  } else if (auto scope = V8Scope::read(heap_, *info, source)) {
    frame.function = std::move(scope->name);
    whole = scope->whole;
    const auto line = scope->start ? lines_.line(*source, *scope->start) : std::nullopt;
    const auto offset =
        layout.script_line_offset
            ? V8Heap::small_integer(heap_.word(script, *layout.script_line_offset).value_or(1))
            : std::nullopt;
    const std::int64_t first = 1 + std::int64_t{offset.value_or(0)};
    if (line && first + *line > 0) frame.line = static_cast<std::uint32_t>(first + *line);
  }
  if (frame.function.empty()) frame.function = whole ? "(script)" : "(anonymous)";
  return frame;
}

std::optional<Frame> V8Reader::name(const V8Sample& sample) {
  const Key key{number(sample.shared), number(sample.script), sample.shape, sample.identity};
  const auto known = names_.find(key);
  if (known != names_.end()) return known->second;
  if (!still_there(sample)) return std::nullopt;
  auto frame = read(sample);
  // The collector may have run while it was read.
  if (!frame || !still_there(sample)) return std::nullopt;
  if (names_.size() == kMostNames) names_.clear();
  names_.emplace(key, *frame);
  return frame;
}

std::optional<V8Sample> V8Reader::sample(Address frame_pointer) const {
  const V8FrameLayout& layout = frame_layout();
  std::array<std::uint64_t, 2> slots{};  // the function, the context
  const std::array<std::int32_t, 2> offsets{layout.frame_function, layout.frame_context};
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto distance = static_cast<std::uint64_t>(-std::int64_t{offsets[i]});
    const auto into = std::as_writable_bytes(std::span(&slots[i], 1));
    if (heap_.read(frame_pointer - distance, into) != into.size()) return std::nullopt;
    if (!V8Heap::is_pointer(slots[i])) return std::nullopt;
  }
  const auto shared = heap_.word(slots[0], layout.function_shared);
  if (!shared || heap_.type(*shared) != layout.shared_type) return std::nullopt;
  const auto script = heap_.word(*shared, layout.shared_script);
  const auto shape = heap_.word(*shared, layout.shared_shape);
  const auto identity = heap_.half(*shared, layout.shared_identity);
  if (!script || !shape || !identity) return std::nullopt;
  return V8Sample{Address{*shared}, Address{*script}, *shape & kShapeBits,
                  *identity,        std::nullopt,     frame_pointer};
}

std::vector<NamedFrame> V8Reader::names(const Unwound& stack) {
  std::vector<NamedFrame> named;
  for (std::size_t index = 0; index < stack.frames.size(); ++index) {
    const auto pointer = stack.frames[index].bare_pointer;
    const auto found = pointer ? sample(*pointer) : std::nullopt;
    auto frame = found ? name(*found) : std::nullopt;
    if (frame) named.push_back({index, *std::move(frame)});
  }
  return named;
}

std::vector<NamedFrame> name_v8_frames(V8Reader& reader, const std::vector<V8Sample>& samples,
                                       const WalkedStack& walked) {
  std::vector<NamedFrame> named;
  const auto add = [&](std::size_t index, const V8Sample& sample) {
    if (auto frame = reader.name(sample)) named.push_back({index, *std::move(frame)});
  };
  for (const V8Sample& sample : samples) {
    if (sample.frame) {
      if (*sample.frame < walked.addresses.size()) add(*sample.frame, sample);
      continue;
    }
    for (const WalkedStack::BareFrame& bare : walked.bare) {
      if (bare.frame_pointer == sample.frame_pointer) add(bare.index, sample);
    }
  }
  // The frame at which the kernel side stopped may be among both.
  std::ranges::stable_sort(named, {}, &NamedFrame::index);
  const auto again = std::ranges::unique(named, {}, &NamedFrame::index);
  named.erase(again.begin(), again.end());
  return named;
}

}  // namespace plumb::detect
