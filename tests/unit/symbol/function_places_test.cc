// SPDX-License-Identifier: Apache-2.0
// Finding functions by name, in this very program and in the C library.
#include "detect/symbol/function_places.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace plumb::detect {
namespace {

extern "C" [[gnu::noipa, gnu::used]] int function_places_test_landmark() {
  return 7;
}

FunctionPlaces places_in(const std::string& path, std::span<const std::string> names) {
  const auto image = FileImage::open(path);
  EXPECT_TRUE(image) << path;
  if (!image) return {};
  const auto elf = ElfImage::parse(**image);
  EXPECT_TRUE(elf) << path;
  return elf ? find_functions(**image, *elf, names) : FunctionPlaces();
}

TEST(FunctionPlaces, OfAProgram) {
  const std::array<std::string, 2> names{"function_places_test_landmark", "not_there"};
  const FunctionPlaces places = places_in("/proc/self/exe", names);
  ASSERT_EQ(places.offsets.size(), 1U);
  const std::uint64_t place = places.offsets.at(names[0]);
  EXPECT_LE(places.code_begin, place);
  EXPECT_GT(places.code_end, place);
  EXPECT_FALSE(places.library);
  EXPECT_FALSE(places.go);
  // The bytes there are the function's.
  const auto image = FileImage::open("/proc/self/exe");
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ((*image)->read(place, bytes), bytes.size());
  EXPECT_EQ(std::memcmp(bytes.data(), reinterpret_cast<const void*>(&function_places_test_landmark),
                        bytes.size()),
            0);
}

TEST(FunctionPlaces, OfTheCLibrary) {
  const std::array<std::string, 3> names{"malloc", "free", "strlen"};
  const FunctionPlaces places = places_in("/lib/x86_64-linux-gnu/libc.so.6", names);
  EXPECT_TRUE(places.library);
  EXPECT_TRUE(places.offsets.contains("malloc"));
  EXPECT_TRUE(places.offsets.contains("free"));
  EXPECT_FALSE(places.offsets.contains("strlen"));  // chosen at run time
}

TEST(FunctionPlaces, OfSeveralVersionsTheOneThatIsLinkedNow) {
  const char* const path = "/lib/x86_64-linux-gnu/libc.so.6";
  void* const library = ::dlopen(path, RTLD_NOW);
  ASSERT_NE(library, nullptr);
  const std::array<std::string, 1> names{"pthread_cond_wait"};
  const void* const now = ::dlvsym(library, names[0].c_str(), "GLIBC_2.3.2");
  const void* const old = ::dlvsym(library, names[0].c_str(), "GLIBC_2.2.5");
  ASSERT_NE(now, nullptr);
  ASSERT_NE(old, now);
  Dl_info info{};
  ASSERT_NE(::dladdr(now, &info), 0);
  const auto at = static_cast<std::uint64_t>(static_cast<const char*>(now) -
                                             static_cast<const char*>(info.dli_fbase));
  const auto image = FileImage::open(path);
  ASSERT_TRUE(image);
  const auto elf = ElfImage::parse(**image);
  ASSERT_TRUE(elf);
  EXPECT_EQ(places_in(path, names).offsets.at(names[0]), elf->offset_of(ElfAddress{at}));
  ::dlclose(library);
}

TEST(FunctionPlaces, WithoutNamesOnlyTheFileIsToldOf) {
  const FunctionPlaces places = places_in("/proc/self/exe", {});
  EXPECT_TRUE(places.offsets.empty());
  EXPECT_EQ(places.code_end, 0U);
}

}  // namespace
}  // namespace plumb::detect
