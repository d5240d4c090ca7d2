// SPDX-License-Identifier: Apache-2.0
// Reducing type information, on a table built by hand.
#include "detect/source/kernel_types.h"

#include <gtest/gtest.h>
#include <linux/btf.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

namespace plumb::detect {
namespace {

// A BTF blob under construction.
class Blob {
 public:
  std::uint32_t type(const char* name, std::uint32_t kind, std::uint32_t size_or_type,
                     std::initializer_list<std::uint32_t> tail = {}, std::uint32_t count = 0) {
    put(text(name));
    put(kind << 24 | count);
    put(size_or_type);
    for (const std::uint32_t word : tail) put(word);
    return ++count_;
  }
  std::uint32_t text(const char* name) {
    if (*name == '\0') return 0;
    const auto at = static_cast<std::uint32_t>(strings_.size());
    strings_.append(name).push_back('\0');
    return at;
  }
  std::vector<std::byte> bytes() const {
    btf_header head{};
    head.magic = BTF_MAGIC;
    head.version = BTF_VERSION;
    head.hdr_len = sizeof head;
    head.type_len = static_cast<std::uint32_t>(types_.size());
    head.str_off = head.type_len;
    head.str_len = static_cast<std::uint32_t>(strings_.size());
    std::string all(reinterpret_cast<const char*>(&head), sizeof head);
    all += types_ + strings_;
    const auto* begin = reinterpret_cast<const std::byte*>(all.data());
    return {begin, begin + all.size()};
  }

 private:
  void put(std::uint32_t word) { types_.append(reinterpret_cast<const char*>(&word), sizeof word); }
  std::string types_;
  std::string strings_ = std::string(1, '\0');
  std::uint32_t count_ = 0;
};

// struct inner { int deep; int other; };
// struct task { int pid; struct { int hidden; }; struct task *next; const struct inner part; };
std::vector<std::byte> kernel() {
  Blob blob;
  const auto integer = blob.type("int", BTF_KIND_INT, 4, {32});
  const auto inner = blob.type("inner", BTF_KIND_STRUCT, 8,
                               {blob.text("deep"), integer, 0, blob.text("other"), integer, 32}, 2);
  const auto nameless = blob.type("", BTF_KIND_STRUCT, 4, {blob.text("hidden"), integer, 0}, 1);
  const auto pointer = blob.type("", BTF_KIND_PTR, 6);
  const auto constant = blob.type("", BTF_KIND_CONST, inner);
  blob.type("task", BTF_KIND_STRUCT, 32,
            {blob.text("pid"), integer, 0, 0, nameless, 32, blob.text("next"), pointer, 64,
             blob.text("part"), constant, 128},
            4);
  blob.type("stranger", BTF_KIND_STRUCT, 0);
  return blob.bytes();
}

std::string text_in(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(KernelTypes, KeepsWhatIsNamedAndItsOffsets) {
  const WantedTypes wanted{.types = {"task"}, .members = {"next", "part", "hidden", "deep"}};
  const auto types = reduced_types(kernel(), wanted);
  ASSERT_TRUE(types);
  const std::vector<std::byte>& reduced = types->btf;
  // Reduced once more by itself, nothing is left to take away.
  const auto own = wanted_types(reduced);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->types, (std::set<std::string, std::less<>>{"task", "inner"}));
  EXPECT_EQ(own->members, (std::set<std::string, std::less<>>{"next", "part", "hidden", "deep"}));
  EXPECT_EQ(text_in(reduced).find("stranger"), std::string::npos);
  EXPECT_EQ(text_in(reduced).find("other"), std::string::npos);
  // `part` at bit 128 of a struct of 32 bytes.
  bool found = false;
  for (std::size_t at = sizeof(btf_header); at + sizeof(btf_member) <= reduced.size(); at += 4) {
    btf_member member;
    std::memcpy(&member, reduced.data() + at, sizeof member);
    found |= member.offset == 128;
  }
  EXPECT_TRUE(found);
}

TEST(KernelTypes, LooksThroughFlavours) {
  Blob blob;
  blob.type("mm_struct___before_6_2", BTF_KIND_STRUCT, 0);
  const auto wanted = wanted_types(blob.bytes());
  ASSERT_TRUE(wanted);
  EXPECT_TRUE(wanted->types.contains("mm_struct"));
}

TEST(KernelTypes, RefusesWhatIsCut) {
  const WantedTypes wanted{.types = {"task"}, .members = {"next"}};
  const auto whole = kernel();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(reduced_types(std::span(whole).first(size), wanted)) << size;
  }
}

TEST(KernelTypes, FindsFunctionsByTheirOwnNumbers) {
  Blob blob;
  blob.type("bpf_iter_task", BTF_KIND_STRUCT, 0);
  const auto signature = blob.type("", BTF_KIND_FUNC_PROTO, 0);
  blob.type("bpf_iter_task_file", BTF_KIND_FUNC, signature);
  const auto function = blob.type("bpf_iter_task", BTF_KIND_FUNC, signature);
  const WantedTypes wanted{.types = {}, .members = {}, .functions = {"bpf_iter_task"}};
  const auto types = reduced_types(blob.bytes(), wanted);
  ASSERT_TRUE(types);
  ASSERT_EQ(types->functions.size(), 1u);
  EXPECT_EQ(types->functions.begin()->second, function);
}

TEST(KernelTypes, EndsOnTypesThatLeadToThemselves) {
  Blob blob;
  blob.type("loop", BTF_KIND_TYPEDEF, 1);
  const WantedTypes wanted{.types = {"loop"}, .members = {}};
  EXPECT_TRUE(reduced_types(blob.bytes(), wanted));
}

}  // namespace
}  // namespace plumb::detect
