// SPDX-License-Identifier: Apache-2.0
// Reads and reduces BTF.
#include "detect/source/kernel_types.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bitset>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr char kKernelBtf[] = "/sys/kernel/btf/vmlinux";
constexpr std::size_t kBtfLimit = std::size_t{256} << 20;
constexpr std::uint32_t kVoid = 0;
// Deeper than any chain of typedefs, qualifiers and nested structs in a kernel.
constexpr int kDepthLimit = 64;
// Kinds that linux/btf.h of Debian 12 has, by number, so that older headers do as well.
constexpr std::uint32_t kLastKind = BTF_KIND_ENUM64;

std::uint32_t kind_of(const btf_type& type) {
  return BTF_INFO_KIND(type.info);
}
std::uint32_t count_of(const btf_type& type) {
  return BTF_INFO_VLEN(type.info);
}

// What follows the common twelve bytes.
std::size_t tail_size(const btf_type& type) {
  const std::size_t count = count_of(type);
  switch (kind_of(type)) {
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
      return 4;
    case BTF_KIND_ARRAY:
      return sizeof(btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return count * sizeof(btf_member);
    case BTF_KIND_ENUM:
      return count * sizeof(btf_enum);
    case BTF_KIND_ENUM64:
      return count * sizeof(btf_enum64);
    case BTF_KIND_FUNC_PROTO:
      return count * sizeof(btf_param);
    case BTF_KIND_DATASEC:
      return count * sizeof(btf_var_secinfo);
    default:
      return 0;
  }
}

// The types of a BTF blob by id, as bytes in place.
class Types {
 public:
  static std::optional<Types> parse(std::span<const std::byte> bytes) {
    Types types;
    btf_header head;
    if (bytes.size() < sizeof head) return std::nullopt;
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.magic != BTF_MAGIC || head.hdr_len < sizeof head || head.hdr_len > bytes.size()) {
      return std::nullopt;
    }
    const auto body = bytes.subspan(head.hdr_len);
    const auto fits = [&](std::uint64_t at, std::uint64_t length) {
      return at <= body.size() && length <= body.size() - at;
    };
    if (!fits(head.type_off, head.type_len) || !fits(head.str_off, head.str_len)) {
      return std::nullopt;
    }
    types.bytes_ = body.subspan(head.type_off, head.type_len);
    const auto strings = body.subspan(head.str_off, head.str_len);
    types.strings_ = {reinterpret_cast<const char*>(strings.data()), strings.size()};
    if (types.strings_.empty() || types.strings_.back() != '\0') return std::nullopt;
    if (!types.index()) return std::nullopt;
    return types;
  }

  std::uint32_t count() const { return static_cast<std::uint32_t>(offsets_.size()); }
  // Id 0 is void, which has no bytes.
  bool contains(std::uint32_t id) const { return id > 0 && id < count(); }
  btf_type at(std::uint32_t id) const { return load<btf_type>(offsets_[id]); }
  template <typename Tail>
  Tail tail(std::uint32_t id, std::uint32_t index = 0) const {
    return load<Tail>(offsets_[id] + sizeof(btf_type) + index * sizeof(Tail));
  }
  std::span<const std::byte> bytes_of(std::uint32_t id) const {
    return bytes_.subspan(offsets_[id], sizeof(btf_type) + tail_size(at(id)));
  }
  // Empty for anonymous types and for offsets outside.
  std::string_view text(std::uint32_t offset) const {
    if (offset >= strings_.size()) return {};
    return strings_.data() + offset;  // the section ends with a NUL
  }
  // The first two bytes of a name, without looking for its end.
  std::uint16_t prefix(std::uint32_t offset) const {
    std::uint16_t two = 0;
    if (offset + sizeof two <= strings_.size()) {
      std::memcpy(&two, strings_.data() + offset, sizeof two);
    }
    return two;
  }

 private:
  template <typename T>
  T load(std::size_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  bool index() {
    constexpr std::size_t kMeanSize = 28;  // of a type, measured on 6.18
    offsets_.reserve(bytes_.size() / kMeanSize + 2);
    offsets_.push_back(0);
    std::size_t at = 0;
    while (at < bytes_.size()) {
      if (bytes_.size() - at < sizeof(btf_type)) return false;
      const auto type = load<btf_type>(at);
      const std::size_t size = sizeof type + tail_size(type);
      if (kind_of(type) > kLastKind || size > bytes_.size() - at) return false;
      offsets_.push_back(static_cast<std::uint32_t>(at));
      at += size;
    }
    return true;
  }

  std::span<const std::byte> bytes_;
  std::string_view strings_;
  std::vector<std::uint32_t> offsets_;
};

bool is_composite(std::uint32_t kind) {
  return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

bool can_be_wanted(std::uint32_t kind) {
  return is_composite(kind) || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 ||
         kind == BTF_KIND_TYPEDEF;
}

// Copies types from one BTF into a new one, each once.
class Reducer {
 public:
  Reducer(const Types& kernel, const WantedTypes& wanted) : kernel_(kernel), wanted_(wanted) {}

  // The new id of a kernel's type; void where it is broken.
  std::uint32_t copy(std::uint32_t id, int depth = 0) {
    if (!kernel_.contains(id) || depth > kDepthLimit) return kVoid;
    const auto [known, is_new] = ids_.try_emplace(id, kVoid);
    if (!is_new) return known->second;
    const std::uint32_t made = make(id, depth);
    ids_[id] = made;
    return made;
  }

  std::vector<std::byte> finish() const {
    btf_header head{};
    head.magic = BTF_MAGIC;
    head.version = BTF_VERSION;
    head.hdr_len = sizeof head;
    head.type_len = static_cast<std::uint32_t>(types_.size());
    head.str_off = head.type_len;
    head.str_len = static_cast<std::uint32_t>(strings_.size());
    std::vector<std::byte> all;
    append(all, head);
    all.insert(all.end(), types_.begin(), types_.end());
    const auto text = std::as_bytes(std::span(strings_));
    all.insert(all.end(), text.begin(), text.end());
    return all;
  }

 private:
  template <typename T>
  static void append(std::vector<std::byte>& to, const T& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof value);
  }

  std::uint32_t text(std::uint32_t offset) {
    const std::string_view name = kernel_.text(offset);
    if (name.empty()) return 0;
    const auto [known, is_new] = texts_.try_emplace(std::string(name), strings_.size());
    if (is_new) strings_.append(name).push_back('\0');
    return known->second;
  }

  // What the new type holds must stand before it: ids are given in the order of the bytes.
  std::uint32_t add(btf_type type, std::span<const std::byte> tail = {}) {
    append(types_, type);
    types_.insert(types_.end(), tail.begin(), tail.end());
    return ++count_;
  }

  std::uint32_t make(std::uint32_t id, int depth) {
    btf_type type = kernel_.at(id);
    const std::uint32_t name = type.name_off;
    type.name_off = text(name);
    switch (kind_of(type)) {
      case BTF_KIND_CONST:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_RESTRICT:
      case BTF_KIND_TYPE_TAG:
        return copy(type.type, depth + 1);  // relocation looks through them
      case BTF_KIND_TYPEDEF:
        type.type = copy(type.type, depth + 1);
        return add(type);
      case BTF_KIND_PTR:
        type.type = kVoid;
        return add(type);
      case BTF_KIND_ARRAY:
        return make_array(id, type, depth);
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        return make_composite(id, type, depth);
      case BTF_KIND_ENUM:
        return make_enum<btf_enum>(id, type);
      case BTF_KIND_ENUM64:
        return make_enum<btf_enum64>(id, type);
      case BTF_KIND_INT:
      case BTF_KIND_FLOAT:
      case BTF_KIND_FWD:
        return add(type, kernel_.bytes_of(id).subspan(sizeof type));
      default:
        return kVoid;  // functions and variables are no types of fields
    }
  }

  std::uint32_t make_array(std::uint32_t id, const btf_type& type, int depth) {
    auto array = kernel_.tail<btf_array>(id);
    array.type = copy(array.type, depth + 1);
    array.index_type = copy(array.index_type, depth + 1);
    return add(type, std::as_bytes(std::span(&array, 1)));
  }

  std::uint32_t make_composite(std::uint32_t id, btf_type type, int depth) {
    std::vector<btf_member> members;
    for (std::uint32_t i = 0; i < count_of(type); ++i) {
      auto member = kernel_.tail<btf_member>(id, i);
      const std::string_view name = kernel_.text(member.name_off);
      // Nameless members are searched through for names in them.
      if (!name.empty() && !wanted_.members.contains(name)) continue;
      member.name_off = text(member.name_off);
      member.type = copy(member.type, depth + 1);
      members.push_back(member);
    }
    constexpr std::uint32_t kCount = 0xffff;
    type.info = (type.info & ~kCount) | static_cast<std::uint32_t>(members.size());
    return add(type, std::as_bytes(std::span(members)));
  }

  template <typename Value>
  std::uint32_t make_enum(std::uint32_t id, const btf_type& type) {
    std::vector<Value> values;
    for (std::uint32_t i = 0; i < count_of(type); ++i) {
      values.push_back(kernel_.tail<Value>(id, i));
      values.back().name_off = text(values.back().name_off);
    }
    return add(type, std::as_bytes(std::span(values)));
  }

  const Types& kernel_;
  const WantedTypes& wanted_;
  std::unordered_map<std::uint32_t, std::uint32_t> ids_;
  std::unordered_map<std::string, std::uint32_t> texts_;
  std::vector<std::byte> types_;
  std::string strings_ = std::string(1, '\0');
  std::uint32_t count_ = 0;
};

std::string without_flavour(std::string_view name) {
  return std::string(name.substr(0, name.find("___")));
}

// The file's bytes for as long as it lives: in place where the kernel allows it.
class KernelBtf {
 public:
  static Result<KernelBtf> open() {
    auto file = UniqueFd::open(kKernelBtf, O_RDONLY);
    if (!file) return std::move(file).error();
    KernelBtf btf;
    struct stat status {};
    if (::fstat(file->get(), &status) == 0 && status.st_size > 0) {
      // a539e2a6d51d ("btf: Allow mmap of vmlinux btf"), 6.17
      btf.size_ = static_cast<std::size_t>(status.st_size);
      void* at = ::mmap(nullptr, btf.size_, PROT_READ, MAP_PRIVATE, file->get(), 0);
      if (at != MAP_FAILED) btf.mapped_ = at;
    }
    if (btf.mapped_ == nullptr) {
      auto text = read_file(kKernelBtf, kBtfLimit);
      if (!text) return std::move(text).error();
      btf.copied_ = std::move(*text);
    }
    return btf;
  }
  KernelBtf(KernelBtf&& other) noexcept
      : mapped_(std::exchange(other.mapped_, nullptr)),
        size_(other.size_),
        copied_(std::move(other.copied_)) {}
  KernelBtf& operator=(KernelBtf&&) = delete;
  ~KernelBtf() {
    if (mapped_ != nullptr) ::munmap(mapped_, size_);
  }
  std::span<const std::byte> bytes() const {
    if (mapped_ != nullptr) return {static_cast<const std::byte*>(mapped_), size_};
    return std::as_bytes(std::span(copied_));
  }

 private:
  KernelBtf() = default;
  void* mapped_ = nullptr;
  std::size_t size_ = 0;
  std::string copied_;
};

}  // namespace

std::optional<WantedTypes> wanted_types(std::span<const std::byte> object_btf) {
  const auto types = Types::parse(object_btf);
  if (!types) return std::nullopt;
  WantedTypes wanted;
  for (std::uint32_t id = 1; id < types->count(); ++id) {
    const btf_type type = types->at(id);
    const std::string_view name = types->text(type.name_off);
    if (!name.empty() && can_be_wanted(kind_of(type))) wanted.types.insert(without_flavour(name));
    if (!is_composite(kind_of(type))) continue;
    for (std::uint32_t i = 0; i < count_of(type); ++i) {
      const auto member = types->text(types->tail<btf_member>(id, i).name_off);
      if (!member.empty()) wanted.members.emplace(member);
    }
  }
  return wanted;
}

std::optional<ReducedTypes> reduced_types(std::span<const std::byte> kernel_btf,
                                          const WantedTypes& wanted) {
  const auto kernel = Types::parse(kernel_btf);
  if (!kernel) return std::nullopt;
  // Most names fail on their first two bytes, before their ends are looked for.
  auto beginnings = std::make_unique<std::bitset<1 << 16>>();
  for (const auto* names : {&wanted.types, &wanted.functions}) {
    for (const std::string& name : *names) {
      std::uint16_t two = 0;
      std::memcpy(&two, name.c_str(), sizeof two);
      beginnings->set(two);
    }
  }
  Reducer reducer(*kernel, wanted);
  ReducedTypes reduced;
  for (std::uint32_t id = 1; id < kernel->count(); ++id) {
    const btf_type type = kernel->at(id);
    if (!beginnings->test(kernel->prefix(type.name_off))) continue;
    const std::string_view name = kernel->text(type.name_off);
    if (can_be_wanted(kind_of(type))) {
      if (wanted.types.contains(name)) reducer.copy(id);
    } else if (kind_of(type) == BTF_KIND_FUNC) {
      if (wanted.functions.contains(name)) reduced.functions.emplace(name, id);
    }
  }
  reduced.btf = reducer.finish();
  return reduced;
}

Result<ReducedTypes> reduced_kernel_types(const WantedTypes& wanted) {
  auto kernel = KernelBtf::open();
  if (!kernel) return std::move(kernel).error();
  auto reduced = reduced_types(kernel->bytes(), wanted);
  if (!reduced) return fail("parse", kKernelBtf, EINVAL);
  return *std::move(reduced);
}

}  // namespace plumb::detect
