// SPDX-License-Identifier: Apache-2.0
// Reading of .gopclntab.
#include "detect/symbol/go_table.h"

#include <algorithm>
#include <array>

#include "detect/symbol/byte_reader.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kMagic116 = 0xfffffffa;
constexpr std::uint32_t kMagic118 = 0xfffffff0;
constexpr std::uint32_t kMagic120 = 0xfffffff1;
constexpr std::uint32_t kInlineTreeIndex = 2;  // PCDATA_InlTreeIndex
constexpr std::uint32_t kInlineTree = 3;       // FUNCDATA_InlTree
constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::size_t kMostFunctions = 2U << 20U;
constexpr std::size_t kLongestName = 4096;
constexpr std::size_t kDeepestInlining = 64;
constexpr std::size_t kMostPairs = 1 << 17;  // of one table for one function

// Where the runtime's own unwinder stops or changes stacks (runtime/traceback.go, topofstack).
constexpr std::array<std::string_view, 8> kOutermost{
    "runtime.goexit", "runtime.mstart",    "runtime.mstart0",     "runtime.mcall",
    "runtime.rt0_go", "runtime.morestack", "runtime.systemstack", "runtime.asmcgocall"};

std::int64_t zigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

}  // namespace

std::string go_printed_name(std::string_view name) {
  const auto open = name.find('[');
  const auto close = name.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::string(name);
  }
  return std::string(name.substr(0, open)) + "[...]" + std::string(name.substr(close + 1));
}

std::optional<GoTable> GoTable::parse(std::vector<std::byte> pclntab, ElfAddress text_start) {
  GoTable table;
  table.bytes_ = std::move(pclntab);
  if (!table.read_header(text_start)) return std::nullopt;
  table.find_special();
  return table;
}

bool GoTable::read_header(ElfAddress text_start) {
  ByteReader reader(bytes_);
  switch (reader.read<std::uint32_t>()) {
    case kMagic116:
      layout_ = Layout::kGo116;
      break;
    case kMagic118:
      layout_ = Layout::kGo118;
      break;
    case kMagic120:
      layout_ = Layout::kGo120;
      break;
    default:
      return false;
  }
  reader.skip(2);
  quantum_ = reader.read<std::uint8_t>();
  const auto pointer_size = reader.read<std::uint8_t>();
  count_ = reader.read<std::uint64_t>();
  reader.skip(8);  // number of files
  if (layout_ != Layout::kGo116) {
    const ElfAddress stored{reader.read<std::uint64_t>()};
    text_start_ = number(stored) != 0 ? stored : text_start;
  }
  names_at_ = reader.read<std::uint64_t>();
  cu_at_ = reader.read<std::uint64_t>();
  files_at_ = reader.read<std::uint64_t>();
  pctab_at_ = reader.read<std::uint64_t>();
  functab_at_ = reader.read<std::uint64_t>();
  if (!reader.ok() || quantum_ != 1 || pointer_size != 8) return false;
  const std::size_t size = bytes_.size();
  if (std::max({names_at_, cu_at_, files_at_, pctab_at_, functab_at_}) >= size) return false;
  const std::size_t entry = layout_ == Layout::kGo116 ? 16 : 8;
  return count_ > 0 && count_ < kMostFunctions && count_ < (size - functab_at_) / entry;
}

GoTable::Function GoTable::at(std::size_t index) const noexcept {
  Function function;
  if (layout_ == Layout::kGo116) {
    ByteReader reader(bytes_, functab_at_ + index * 16);
    function.entry = ElfAddress{reader.read<std::uint64_t>()};
    const auto offset = reader.read<std::uint64_t>();
    function.record = offset < kNone ? static_cast<std::uint32_t>(offset) : kNone;
    function.end = ElfAddress{reader.read<std::uint64_t>()};
  } else {
    ByteReader reader(bytes_, functab_at_ + index * 8);
    function.entry = text_start_ + reader.read<std::uint32_t>();
    function.record = reader.read<std::uint32_t>();
    function.end = text_start_ + reader.read<std::uint32_t>();
  }
  return function;
}

std::optional<GoTable::Function> GoTable::find(ElfAddress address) const noexcept {
  std::size_t low = 0;  // at(low).entry <= address, if any is
  std::size_t high = count_;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (at(middle).entry <= address ? low : high) = middle;
  }
  const Function function = at(low);
  if (address < function.entry || address >= function.end) return std::nullopt;
  return function;
}

std::optional<GoTable::Record> GoTable::record(const Function& function) const noexcept {
  ByteReader reader(bytes_, functab_at_ + function.record);
  reader.skip(layout_ == Layout::kGo116 ? 8 : 4);  // entry
  Record found;
  found.name = reader.read<std::uint32_t>();
  reader.skip(8);  // args, deferreturn
  found.pcsp = reader.read<std::uint32_t>();
  found.pcfile = reader.read<std::uint32_t>();
  found.pcln = reader.read<std::uint32_t>();
  found.pcdata_count = reader.read<std::uint32_t>();
  found.cu = reader.read<std::uint32_t>();
  if (layout_ == Layout::kGo120) reader.skip(4);  // startLine
  found.function_id = reader.read<std::uint8_t>();
  reader.skip(2);  // flag, padding
  found.funcdata_count = reader.read<std::uint8_t>();
  found.pcdata_at = reader.position();
  if (!reader.ok() || found.pcdata_count > reader.remaining() / 4) return std::nullopt;
  return found;
}

std::string_view GoTable::name_at(std::uint32_t offset) const noexcept {
  const std::size_t start = std::min(bytes_.size(), names_at_ + offset);
  const std::size_t reach = std::min(bytes_.size() - start, kLongestName);
  return ByteReader(std::span(bytes_).subspan(start, reach)).c_string();
}

std::string_view GoTable::name(const Function& function) const noexcept {
  const auto found = record(function);
  return found ? name_at(found->name) : std::string_view{};
}

std::optional<GoTable::Function> GoTable::find_named(std::string_view name) const noexcept {
  for (std::size_t index = 0; index < count_; ++index) {
    const Function function = at(index);
    if (this->name(function) == name) return function;
  }
  return std::nullopt;
}

void GoTable::find_special() {
  for (std::size_t index = 0; index < count_; ++index) {
    const Function function = at(index);
    const std::string_view called = name(function);
    if (!called.starts_with("runtime.")) continue;
    const bool ends = std::any_of(kOutermost.begin(), kOutermost.end(), [called](auto outermost) {
      return called == outermost || called == std::string(outermost) + ".abi0";
    });
    if (ends) outermost_.push_back(function.entry);
  }
  std::sort(outermost_.begin(), outermost_.end());
  find_wrappers();
}

// Most functions without a source that the runtime knows by a number are wrappers of methods.
void GoTable::find_wrappers() {
  constexpr std::size_t kEnough = 1U << 16U;
  std::array<std::size_t, 256> seen{};
  for (std::size_t index = 0; index < std::min(count_, kEnough); ++index) {
    const Function function = at(index);
    const auto found = record(function);
    if (!found || found->function_id == 0) continue;
    const auto source = value(found->pcfile, function, function.entry);
    if (source && file(*found, *source) == "<autogenerated>") ++seen[found->function_id];
  }
  const auto most = std::max_element(seen.begin(), seen.end());
  if (*most > 0) wrapper_id_ = static_cast<std::uint8_t>(most - seen.begin());
}

bool GoTable::outermost(const Function& function) const noexcept {
  return std::binary_search(outermost_.begin(), outermost_.end(), function.entry);
}

// Tables of values by address are programs of (value delta, address delta) pairs of varints; the
// first value delta may be zero, a later one ends the program.
std::optional<std::int64_t> GoTable::value(std::uint32_t program, const Function& function,
                                           ElfAddress address) const noexcept {
  if (program == 0) return std::nullopt;
  ByteReader reader(bytes_, std::min(bytes_.size(), pctab_at_ + program));
  std::int64_t current = -1;
  ElfAddress upto = function.entry;
  for (std::size_t pairs = 0; reader.ok() && pairs < kMostPairs; ++pairs) {
    const bool first = pairs == 0;
    const std::uint64_t delta = reader.uleb() & 0xffffffff;
    if (delta == 0 && !first) return std::nullopt;
    current += zigzag(delta);
    upto = upto + (reader.uleb() & 0xffffffff) * quantum_;
    if (reader.ok() && address < upto) return current;
    if (upto >= function.end) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> GoTable::height(const Function& function,
                                             ElfAddress address) const noexcept {
  const auto found = record(function);
  if (!found) return std::nullopt;
  const auto height = value(found->pcsp, function, address);
  if (!height || *height < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*height);
}

std::string_view GoTable::file(const Record& record, std::int64_t number) const noexcept {
  if (number < 0) return {};
  const std::size_t at = cu_at_ + (std::size_t{record.cu} + static_cast<std::size_t>(number)) * 4;
  ByteReader reader(bytes_, std::min(bytes_.size(), at));
  const auto offset = reader.read<std::uint32_t>();
  if (!reader.ok() || offset == kNone) return {};
  return ByteReader(bytes_, std::min(bytes_.size(), files_at_ + offset)).c_string();
}

std::optional<std::uint32_t> GoTable::inline_tree(const Record& record) const noexcept {
  // Until 1.17 function data were pointers, which nothing here follows.
  if (layout_ == Layout::kGo116 || record.funcdata_count <= kInlineTree) return std::nullopt;
  if (record.pcdata_count <= kInlineTreeIndex) return std::nullopt;
  const std::size_t at = record.pcdata_at + (std::size_t{record.pcdata_count} + kInlineTree) * 4;
  ByteReader reader(bytes_, std::min(bytes_.size(), at));
  const auto offset = reader.read<std::uint32_t>();
  if (!reader.ok() || offset == kNone) return std::nullopt;
  return offset;
}

std::optional<GoTable::InlinedCall> GoTable::inlined(std::span<const std::byte> go_func,
                                                     std::uint32_t tree,
                                                     std::int64_t index) const noexcept {
  if (index < 0 || index > 0xffff) return std::nullopt;
  const bool old = layout_ == Layout::kGo118;
  const std::size_t size = old ? 20 : 16;
  const std::size_t at = tree + static_cast<std::size_t>(index) * size;
  ByteReader reader(go_func, std::min(go_func.size(), at));
  InlinedCall call;
  if (old) reader.skip(2);  // parent
  call.function_id = reader.read<std::uint8_t>();
  reader.skip(old ? 9 : 3);  // padding; file and line until 1.19
  call.name = reader.read<std::uint32_t>();
  call.parent_pc = reader.read<std::uint32_t>();
  if (!reader.ok() || name_at(call.name).empty()) return std::nullopt;
  return call;
}

bool GoTable::sound_tree(std::span<const std::byte> go_func,
                         const Function& function) const noexcept {
  const auto found = record(function);
  const auto tree = found ? inline_tree(*found) : std::nullopt;
  const auto call = tree ? inlined(go_func, *tree, 0) : std::nullopt;
  if (!call || call->parent_pc >= number(function.end) - number(function.entry)) return false;
  // A name begins behind the end of another one; a random offset points into the middle.
  return call->name == 0 ||
         ByteReader(bytes_, names_at_ + call->name - 1).read<std::uint8_t>() == 0;
}

double GoTable::use_inline_data(std::vector<std::byte> go_func) {
  constexpr std::size_t kSamples = 200;
  std::size_t tried = 0;
  std::size_t sound = 0;
  for (std::size_t index = 0; index < count_ && tried < kSamples; ++index) {
    const Function function = at(index);
    const auto found = record(function);
    if (!found || !inline_tree(*found)) continue;
    ++tried;
    if (sound_tree(go_func, function)) ++sound;
  }
  if (tried == 0) return 0;
  const double share = static_cast<double>(sound) / static_cast<double>(tried);
  if (share > 0.9) go_func_ = std::move(go_func);
  return share;
}

std::vector<GoFrame> GoTable::frames(ElfAddress address) const {
  std::vector<GoFrame> found;
  const auto function = find(address);
  const auto details = function ? record(*function) : std::nullopt;
  if (!details) return found;
  const auto tree = inline_tree(*details);
  std::uint32_t tree_program = 0;
  if (tree) {
    tree_program =
        ByteReader(bytes_, details->pcdata_at + kInlineTreeIndex * 4).read<std::uint32_t>();
  }
  ElfAddress at = address;
  while (found.size() < kDeepestInlining) {
    GoFrame frame;
    frame.file = file(*details, value(details->pcfile, *function, at).value_or(-1));
    const std::int64_t line = value(details->pcln, *function, at).value_or(0);
    if (line > 0) frame.line = static_cast<std::uint32_t>(line);
    const auto index = tree ? value(tree_program, *function, at) : std::nullopt;
    const auto call = index ? inlined(go_func_, *tree, *index) : std::nullopt;
    frame.inlined = call.has_value();
    frame.function = go_printed_name(call ? name_at(call->name) : name_at(details->name));
    const std::uint8_t id = call ? call->function_id : details->function_id;
    frame.wrapper = wrapper_id_ != 0 && id == wrapper_id_;
    found.push_back(std::move(frame));
    if (!call) break;
    at = function->entry + call->parent_pc;
  }
  return found;
}

}  // namespace plumb::detect
