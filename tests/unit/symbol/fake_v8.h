// SPDX-License-Identifier: Apache-2.0
// A V8 heap of the test's own making: the constants of node 20 as far as they are used, and objects
// put one behind the other into a piece of memory.
#pragma once

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detect/symbol/process_access.h"
#include "detect/symbol/v8_layout.h"
#include "plumb/base/result.h"

namespace plumb::detect {

inline V8Constants v8_constants() {
  return {{"HeapObjectTag", 1},
          {"SmiTag", 0},
          {"SmiTagMask", 1},
          {"SmiShiftSize", 31},
          {"off_fp_function", -16},
          {"off_fp_context", -8},
          {"class_JSFunction__shared__SharedFunctionInfo", 24},
          {"class_SharedFunctionInfo__script_or_debug_info__HeapObject", 32},
          {"class_SharedFunctionInfo__length__uint16_t", 40},
          {"class_SharedFunctionInfo__flags__int", 48},
          {"class_SharedFunctionInfo__name_or_scope_info__Object", 16},
          {"class_HeapObject__map__Map", 0},
          {"class_Map__instance_type__uint16_t", 12},
          {"type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE", 262},
          {"parent_ScopeInfo__HeapObject", 0},
          {"scopeinfo_idx_ncontextlocals", 2},
          {"scopeinfo_idx_first_vars", 3},
          {"class_Script__name__Object", 16},
          {"class_Script__source__Object", 8},
          {"class_Script__type__SMI", 48},
          {"type_Script__SCRIPT_TYPE", 167},
          {"type_ScopeInfo__SCOPE_INFO_TYPE", 261},
          {"class_String__length__int32_t", 12},
          {"class_SeqOneByteString__chars__char", 16},
          {"class_SeqTwoByteString__chars__char", 16},
          {"class_ConsString__first__String", 16},
          {"class_ConsString__second__String", 24},
          {"class_SlicedString__parent__String", 16},
          {"class_SlicedString__offset__SMI", 24},
          {"class_ThinString__actual__String", 16},
          {"class_ExternalString__resource__Object", 16},
          {"FirstNonstringType", 128},
          {"StringRepresentationMask", 7},
          {"SeqStringTag", 0},
          {"ConsStringTag", 1},
          {"ExternalStringTag", 2},
          {"SlicedStringTag", 3},
          {"ThinStringTag", 5},
          {"StringEncodingMask", 8},
          {"OneByteStringTag", 8}};
}

class FakeV8 : public ProcessAccess {
 public:
  static constexpr std::uint64_t kBase = 0x10000;
  static constexpr std::uint16_t kOneByte = 40, kTwoByte = 32, kCons = 41, kExternal = 42,
                                 kSliced = 43, kThin = 45, kScript = 167, kScope = 261,
                                 kShared = 262;

  Result<std::string> maps(Pid) const override { return fail("maps", "fake", ENOENT); }
  Result<std::unique_ptr<ImageSource>> image(Pid, const Mapping&) const override {
    return fail("image", "fake", ENOENT);
  }
  Result<std::unique_ptr<FileImage>> file(Pid, const std::string&) const override {
    return fail("file", "fake", ENOENT);
  }
  std::size_t read_memory(Pid, Address from, std::span<std::byte> into) const override {
    const std::uint64_t at = number(from) - kBase;
    if (number(from) < kBase || at >= memory_.size() || into.empty()) return 0;
    const std::size_t got = std::min<std::size_t>(into.size(), memory_.size() - at);
    std::memcpy(into.data(), memory_.data() + at, got);
    return got;
  }

  static std::uint64_t integer(std::int32_t value) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)) << 32U;
  }
  // An object of a type: its map, then its words. A tagged pointer to it.
  std::uint64_t object(std::uint16_t type, const std::vector<std::uint64_t>& words) {
    const std::uint64_t map = map_of(type);
    const std::uint64_t at = append(map);
    for (const std::uint64_t word : words) append(word);
    return at + 1;
  }
  std::uint64_t string(std::string_view text) {
    const std::uint64_t at = object(kOneByte, {integer(static_cast<std::int32_t>(text.size()))});
    append_bytes(text.data(), text.size());
    return at;
  }
  std::uint64_t wide(std::u16string_view text) {
    const std::uint64_t at = object(kTwoByte, {integer(static_cast<std::int32_t>(text.size()))});
    append_bytes(text.data(), text.size() * 2);
    return at;
  }
  std::uint64_t made_of(std::uint16_t type, std::int32_t length,
                        const std::vector<std::uint64_t>& parts) {
    std::vector<std::uint64_t> words{integer(length)};
    words.insert(words.end(), parts.begin(), parts.end());
    return object(type, words);
  }
  std::uint64_t script(std::uint64_t source, std::uint64_t name, std::int32_t line_offset = 0) {
    return object(kScript, {source, name, integer(line_offset), integer(0), 0, integer(2), 0});
  }
  // With `locals` variables in its context, and the words behind them.
  std::uint64_t scope(std::int32_t locals, const std::vector<std::uint64_t>& behind) {
    std::vector<std::uint64_t> words{integer(77), integer(1), integer(locals)};
    words.resize(words.size() + (locals < 75 ? 2 * static_cast<std::size_t>(locals)
                                             : 1 + static_cast<std::size_t>(locals)),
                 integer(3));
    words.insert(words.end(), behind.begin(), behind.end());
    words.push_back(map_of(kScope));  // the scope around it
    return object(kScope, words);
  }
  std::uint64_t shared(std::uint64_t name_or_scope, std::uint64_t script_object,
                       std::uint64_t shape, std::uint32_t identity) {
    return object(kShared, {0, name_or_scope, 0, script_object, shape,
                            static_cast<std::uint64_t>(identity) << 32U});
  }
  void set(std::uint64_t tagged, std::uint32_t offset, std::uint64_t word) {
    std::memcpy(memory_.data() + (tagged - 1 - kBase) + offset, &word, sizeof(word));
  }
  std::uint64_t next() const { return kBase + memory_.size(); }
  std::uint64_t append(std::uint64_t word) {
    const std::uint64_t at = next();
    append_bytes(&word, sizeof(word));
    return at;
  }
  std::uint64_t map_of(std::uint16_t type) {
    const auto known = maps_.find(type);
    if (known != maps_.end()) return known->second;
    const std::uint64_t at = append(0);
    append(static_cast<std::uint64_t>(type) << 32U);
    return maps_[type] = at + 1;
  }

 private:
  void append_bytes(const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(from);
    memory_.insert(memory_.end(), bytes, bytes + size);
    memory_.resize((memory_.size() + 7) / 8 * 8);
  }

  std::vector<std::byte> memory_;
  std::map<std::uint16_t, std::uint64_t> maps_;
};

}  // namespace plumb::detect
