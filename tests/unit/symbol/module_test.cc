// SPDX-License-Identifier: Apache-2.0
// Modules of the test's own process, and of files that are not what they seem.
#include "detect/symbol/module.h"

#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "detect/symbol/debug_files.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/symbolizer.h"

namespace plumb::detect {
namespace {

[[gnu::noinline]] int landmark_function(int value) {
  return value * 3 + static_cast<int>(::getpid());
}

Address address_of(const void* code) {
  return Address{reinterpret_cast<std::uint64_t>(code)};
}

class OwnProcess : public testing::Test {
 protected:
  ProcessView view() {
    auto opened = ProcessView::open(Pid{::getpid()}, access_, cache_);
    EXPECT_TRUE(opened);
    return *std::move(opened);
  }
  ProcAccess access_;
  ModuleCache cache_;
};

TEST_F(OwnProcess, NamesItsOwnFunctions) {
  ProcessView process = view();
  Symbolizer symbolizer;
  const auto* code = reinterpret_cast<const void*>(&landmark_function);
  const auto& frames = symbolizer.frames_at(process, address_of(code) + 1);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_NE(frames[0].function.find("landmark_function(int)"), std::string::npos);
  EXPECT_EQ(frames[0].function_offset, 1u);
  EXPECT_TRUE(frames[0].file.ends_with("module_test.cc"));
  EXPECT_TRUE(frames[0].module.ends_with("plumb_unit_symbol"));
}

TEST_F(OwnProcess, HasAVdsoWithRulesAndNames) {
  ProcessView process = view();
  const Address vdso{::getauxval(AT_SYSINFO_EHDR)};
  for (const Mapping& mapping : process.address_space().mappings()) {
    if (mapping.start != vdso) continue;
    const auto image = access_.image(process.process(), mapping);
    ASSERT_TRUE(image);
    const auto elf = ElfImage::parse(**image);
    ASSERT_TRUE(elf);
    const auto place = process.find_code(vdso + number(elf->section(".text")->address));
    ASSERT_TRUE(place);
    ASSERT_NE(place->module, nullptr);
    EXPECT_FALSE(place->module->unwind_table().empty());
    SymbolTable symbols;
    add_symbols(**image, *elf, symbols);
    symbols.finish();
    EXPECT_GT(symbols.size(), 3u);
    return;
  }
  FAIL() << "no vDSO mapped";
}

TEST_F(OwnProcess, GeneratedCodeHasNoModuleAndNoName) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  ProcessView process = view();
  const auto place = process.find_code(address_of(page));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->module, nullptr);
  Symbolizer symbolizer;
  const auto& frames = symbolizer.frames_at(process, address_of(page));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].kind, FrameKind::kJit);
  EXPECT_EQ(frames[0].function, "");
  ::munmap(page, 4096);
}

TEST_F(OwnProcess, TwoViewsShareModules) {
  ProcessView first = view();
  ProcessView second = view();
  EXPECT_EQ(first.modules(), second.modules());
  EXPECT_GT(first.modules().size(), 4u);
}

TEST_F(OwnProcess, ModulesNobodyUsesAreForgotten) {
  {
    ProcessView process = view();
    process.modules();
    cache_.drop_unused();
    EXPECT_GT(cache_.size(), 4u);
  }
  cache_.drop_unused();
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(OwnProcess, AFileThatChangedUnderItsNameIsRefused) {
  Mapping mapping;
  mapping.start = Address{0x1000};
  mapping.end = Address{0x2000};
  mapping.file = {1, 1};  // not the inode of this name
  mapping.path = "/bin/sh";
  const auto image = access_.image(Pid{::getpid()}, mapping);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, ESTALE);
}

TEST(FileImage, TakesRegularFilesOnly) {
  EXPECT_EQ(FileImage::open("/dev/null").error().code, EINVAL);
  EXPECT_EQ(FileImage::open("/nonexistent").error().code, ENOENT);
}

TEST(Module, AnswersNothingForAFileThatIsNoElf) {
  const auto image = std::make_shared<MemoryImage>(std::vector<std::byte>(100));
  const auto module = Module::load(image, "/tmp/x", 1);
  EXPECT_FALSE(module->readable());
  EXPECT_EQ(module->unwind_table().find(ElfAddress{0}), nullptr);
  EXPECT_EQ(module->go(), nullptr);
}

TEST(DebugFiles, AreLookedForByBuildIdThenByLink) {
  const BuildId id(std::vector{std::byte{0xab}, std::byte{0xcd}, std::byte{0xef}});
  EXPECT_EQ(
      debug_file_paths(id, DebugLink{"x.debug", 0}, "/usr/bin/x"),
      (std::vector<std::string>{"/usr/lib/debug/.build-id/ab/cdef.debug", "/usr/bin/x.debug",
                                "/usr/bin/.debug/x.debug", "/usr/lib/debug/usr/bin/x.debug"}));
  EXPECT_TRUE(debug_file_paths({}, std::nullopt, "/usr/bin/x").empty());
}

TEST(DebugFiles, HaveTheChecksumOfIeee) {
  const std::string text = "123456789";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(crc32_of(MemoryImage({bytes.begin(), bytes.end()})), 0xcbf43926u);
}

}  // namespace
}  // namespace plumb::detect
