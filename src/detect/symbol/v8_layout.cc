// SPDX-License-Identifier: Apache-2.0
// From V8's constants to a layout.
#include "detect/symbol/v8_layout.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr std::string_view kPrefix = "v8dbg_";
constexpr std::size_t kMostConstants = 8192;  // node 20 has 700
constexpr std::size_t kLongestName = 128;
constexpr std::uint64_t kMostSymbolBytes = 64U << 20U;
constexpr std::int32_t kFarthest = 4096;  // of what is in an object or near a frame pointer

// Takes constants, and remembers whether all were there and within bounds.
class Taker {
 public:
  explicit Taker(const V8Constants& constants) : constants_(constants) {}

  bool ok() const { return ok_; }
  std::optional<std::int32_t> find(std::string_view name) const {
    const auto found = constants_.find(name);
    return found != constants_.end() ? std::optional(found->second) : std::nullopt;
  }
  std::int32_t take(std::string_view name, std::int32_t least, std::int32_t most) {
    const auto value = find(name);
    if (value && *value >= least && *value <= most) return *value;
    ok_ = false;
    return 0;
  }
  std::uint32_t offset(std::string_view name) {
    return static_cast<std::uint32_t>(take(name, 0, kFarthest));
  }
  // Under its name of V8 11, or under a later one.
  std::uint32_t offset(std::string_view name, std::string_view later) {
    return offset(find(name) ? name : later);
  }
  std::uint16_t type(std::string_view name) {
    return static_cast<std::uint16_t>(take(name, 0, 0xffff));
  }
  void expect(std::string_view name, std::int32_t value) { (void)take(name, value, value); }

 private:
  const V8Constants& constants_;
  bool ok_ = true;
};

V8FrameLayout frame_layout(Taker& taker) {
  V8FrameLayout frame;
  frame.frame_function = taker.take("off_fp_function", -kFarthest, -8);
  frame.frame_context = taker.take("off_fp_context", -kFarthest, -8);
  frame.function_shared = taker.offset("class_JSFunction__shared__SharedFunctionInfo");
  frame.shared_script = taker.offset("class_SharedFunctionInfo__script_or_debug_info__HeapObject",
                                     "class_SharedFunctionInfo__script__HeapObject");
  frame.shared_shape = taker.offset("class_SharedFunctionInfo__length__uint16_t");
  // Behind the flags, since V8 8.
  frame.shared_identity = taker.offset("class_SharedFunctionInfo__flags__int") + 4;
  frame.object_map = taker.offset("class_HeapObject__map__Map");
  frame.map_type = taker.offset("class_Map__instance_type__uint16_t");
  frame.shared_type = taker.type("type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE");
  return frame;
}

void take_strings(Taker& taker, V8Layout& layout) {
  layout.string_length = taker.offset("class_String__length__int32_t");
  layout.one_byte_chars = taker.offset("class_SeqOneByteString__chars__char");
  layout.two_byte_chars = taker.offset("class_SeqTwoByteString__chars__char");
  layout.cons_first = taker.offset("class_ConsString__first__String");
  layout.cons_second = taker.offset("class_ConsString__second__String");
  layout.sliced_parent = taker.offset("class_SlicedString__parent__String");
  layout.sliced_offset = taker.offset("class_SlicedString__offset__SMI");
  layout.thin_actual = taker.offset("class_ThinString__actual__String");
  layout.external_resource = taker.offset("class_ExternalString__resource__Object");
  layout.first_no_string = taker.type("FirstNonstringType");
  layout.shape_mask = taker.type("StringRepresentationMask");
  layout.shape_seq = taker.type("SeqStringTag");
  layout.shape_cons = taker.type("ConsStringTag");
  layout.shape_external = taker.type("ExternalStringTag");
  layout.shape_sliced = taker.type("SlicedStringTag");
  layout.shape_thin = taker.type("ThinStringTag");
  layout.one_byte_mask = taker.type("StringEncodingMask");
  layout.one_byte = taker.type("OneByteStringTag");
}

}  // namespace

std::optional<V8Layout> v8_layout(const V8Constants& constants) {
  Taker taker(constants);
  taker.expect("HeapObjectTag", 1);
  taker.expect("SmiTag", 0);
  taker.expect("SmiTagMask", 1);
  taker.expect("SmiShiftSize", 31);  // 0 where pointers are compressed
  V8Layout layout;
  layout.frame = frame_layout(taker);
  layout.shared_name = taker.offset("class_SharedFunctionInfo__name_or_scope_info__Object");
  // Of V8 9 and later: a ScopeInfo is no FixedArray any more.
  taker.expect("parent_ScopeInfo__HeapObject", 0);
  layout.scope_locals = taker.offset("scopeinfo_idx_ncontextlocals");
  layout.scope_first = taker.offset("scopeinfo_idx_first_vars");
  layout.script_name = taker.offset("class_Script__name__Object");
  layout.script_source = taker.offset("class_Script__source__Object");
  layout.script_type = taker.type("type_Script__SCRIPT_TYPE");
  layout.scope_type = taker.type("type_ScopeInfo__SCOPE_INFO_TYPE");
  take_strings(taker, layout);
  if (!taker.ok()) return std::nullopt;
  // name, line_offset, column_offset, context_data, type: the second is not exported.
  const auto kind = taker.find("class_Script__type__SMI");
  if (kind && *kind == static_cast<std::int32_t>(layout.script_name) + 32) {
    layout.script_line_offset = layout.script_name + 8;
  }
  return layout;
}

V8Constants read_v8_constants(const ImageSource& source, const ElfImage& elf) {
  V8Constants constants;
  for (const ElfSection& section : elf.sections()) {
    if (section.type != SHT_DYNSYM || section.link >= elf.sections().size()) continue;
    const auto symbols = ElfImage::load(source, section, kMostSymbolBytes);
    const auto names = ElfImage::load(source, elf.sections()[section.link], kMostSymbolBytes);
    const std::string_view text(reinterpret_cast<const char*>(names.data()), names.size());
    for (ByteReader reader(symbols); reader.remaining() >= sizeof(Elf64_Sym);) {
      const auto symbol = reader.read<Elf64_Sym>();
      if (symbol.st_name >= text.size() || symbol.st_shndx == SHN_UNDEF) continue;
      std::string_view name = text.substr(symbol.st_name, kLongestName);
      if (!name.starts_with(kPrefix) || symbol.st_size != sizeof(std::int32_t)) continue;
      name = name.substr(0, name.find('\0')).substr(kPrefix.size());
      std::int32_t value = 0;  // as it is where the file has no bytes for it
      if (const auto at = elf.offset_of(ElfAddress{symbol.st_value})) {
        const auto into = std::as_writable_bytes(std::span(&value, 1));
        if (source.read(*at, into) != into.size()) continue;
      }
      constants.emplace(name, value);
      if (constants.size() == kMostConstants) return constants;
    }
  }
  return constants;
}

}  // namespace plumb::detect
