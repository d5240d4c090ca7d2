// SPDX-License-Identifier: Apache-2.0
// Stacks of real programs with their names: C++ with inlined calls, stripped and with separate
// debug files, Go plain, stripped and position-independent, Python, generated code of Node.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/image.h"
#include "detect/symbol/module_cache.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/python_reader.h"
#include "detect/symbol/symbolizer.h"
#include "detect/symbol/unwinder.h"
#include "traced_process.h"

namespace plumb::detect {
namespace {

using Stack = std::vector<Frame>;

std::string describe(const Stack& stack) {
  std::string text;
  for (const Frame& frame : stack) {
    text += "  " + frame.function + " " + frame.file + ":" +
            std::to_string(frame.line.value_or(0)) + " " + frame.module + "\n";
  }
  return text;
}

const Frame* find(const Stack& stack, std::string_view function) {
  const auto it = std::find_if(stack.begin(), stack.end(), [function](const Frame& frame) {
    return frame.function.find(function) != std::string::npos;
  });
  return it == stack.end() ? nullptr : &*it;
}

// The position of each function in the stack; they must come in this order.
void expect_order(const Stack& stack, const std::vector<std::string>& functions) {
  auto from = stack.begin();
  for (const std::string& function : functions) {
    from = std::find_if(from, stack.end(),
                        [&function](const Frame& frame) { return frame.function == function; });
    ASSERT_NE(from, stack.end()) << function << " is missing in\n" << describe(stack);
    ++from;
  }
}

// Runs a program from system call to system call until a stack satisfies the condition.
class Watched {
 public:
  explicit Watched(const std::vector<std::string>& command) : traced_(command) {}

  Stack until(int calls, const std::function<bool(const Stack&)>& condition) {
    for (int call = 0; call < calls; ++call) {
      const auto thread = traced_.next_call();
      if (!thread) break;
      if (!view_ || !view_->refresh()) {
        auto opened = ProcessView::open(traced_.process(), access_, cache_);
        if (!opened) break;
        view_.emplace(*std::move(opened));
      }
      const Snapshot snapshot = traced_.snapshot(*thread, 32768);
      unwound_ = Unwinder().unwind(*view_, snapshot.registers, snapshot.stack);
      Stack stack = symbolizer_.frames(*view_, unwound_);
      if (with_python && !python_) python_ = PythonReader::find(*view_);
      if (python_) {
        const auto samples = python_->sample(Tid{*thread});
        stack = merge_python(std::move(stack), samples, python_->names(samples), python_->module());
      }
      if (condition(stack)) return stack;
      last_ = std::move(stack);
    }
    ADD_FAILURE() << "never seen; the last stack was\n" << describe(last_);
    return {};
  }

  const Unwound& unwound() const { return unwound_; }
  Pid process() const { return traced_.process(); }
  bool with_python = false;

 private:
  TracedProcess traced_;
  ProcAccess access_;
  ModuleCache cache_;
  Symbolizer symbolizer_;
  std::optional<ProcessView> view_;
  std::optional<PythonReader> python_;
  Unwound unwound_;
  Stack last_;
};

std::function<bool(const Stack&)> has(std::string function) {
  return [function](const Stack& stack) { return find(stack, function) != nullptr; };
}

TEST(Naming, CxxWithInlinedCallsAndLines) {
  Watched program({SPECIMEN_NAMES});
  const Stack stack = program.until(500, has("shop::sell"));
  ASSERT_FALSE(stack.empty());
  expect_order(stack,
               {"getppid", "shop::Till<long>::ring()", "shop::sell(shop::Till<long>&)", "main"});
  const Frame* inlined = find(stack, "ring");
  EXPECT_EQ(inlined->kind, FrameKind::kInlined);
  EXPECT_EQ(inlined->line, 10u);
  const Frame* sell = find(stack, "sell");
  EXPECT_EQ(sell->line, 17u);
  EXPECT_TRUE(sell->file.ends_with("names.cc"));
  EXPECT_FALSE(sell->build_id.empty());
}

TEST(Naming, SeparateDebugFilesAreFoundByTheirLink) {
  Watched program({SPECIMEN_NAMES_LINKED});
  const Stack stack = program.until(500, has("shop::sell"));
  ASSERT_FALSE(stack.empty());
  EXPECT_EQ(find(stack, "shop::sell")->line, 17u);
}

TEST(Naming, MiniDebugInformationNamesFunctions) {
  Watched program({SPECIMEN_NAMES_MINI});
  const Stack stack = program.until(500, has("shop::sell"));
  ASSERT_FALSE(stack.empty());
  EXPECT_FALSE(find(stack, "shop::sell")->line);
}

TEST(Naming, StrippedFramesKeepModuleBuildIdAndAddress) {
  Watched program({SPECIMEN_NAMES_STRIPPED});
  const Stack stack = program.until(
      500, [](const Stack& seen) { return seen.size() > 2 && seen[0].function == "getppid"; });
  ASSERT_GT(stack.size(), 2u);
  EXPECT_EQ(stack[1].function, "");
  EXPECT_TRUE(stack[1].module.ends_with("names_stripped"));
  EXPECT_FALSE(stack[1].build_id.empty());
  EXPECT_TRUE(stack[1].elf_address);
}

void expect_go_stack(const char* program_path) {
  Watched program({program_path});
  const Stack stack = program.until(20000, [](const Stack& seen) {
    return find(seen, "os.Open") != nullptr && find(seen, "main.openFile") != nullptr;
  });
  ASSERT_FALSE(stack.empty());
  expect_order(stack, {"os.Open", "main.openFile", "main.inlinedOpen", "main.generic[...]",
                       "main.caller", "main.main.func1", "runtime.goexit"});
  EXPECT_EQ(program.unwound().end, UnwindEnd::kOutermost);
  const Frame* open = find(stack, "main.openFile");
  EXPECT_EQ(open->kind, FrameKind::kGo);
  EXPECT_TRUE(open->file.ends_with("names.go")) << open->file;
  EXPECT_EQ(open->line, 14u);
  EXPECT_EQ(find(stack, "main.inlinedOpen")->kind, FrameKind::kInlined);
}

TEST(Naming, Go) {
  expect_go_stack(SPECIMEN_GO);
}
TEST(Naming, GoStripped) {
  expect_go_stack(SPECIMEN_GO_STRIPPED);
}
TEST(Naming, GoPositionIndependent) {
  expect_go_stack(SPECIMEN_GO_PIE);
}

TEST(Naming, PythonFramesStandInPlaceOfTheLoop) {
  Watched program({"/usr/bin/python3", SPECIMEN_PYTHON});
  program.with_python = true;
  const Stack stack = program.until(5000, has("Keeper.keep"));
  ASSERT_FALSE(stack.empty());
  expect_order(stack, {"Keeper.keep", "through_sort.<locals>.<lambda>", "through_sort", "generate",
                       "<module>", "__libc_start_main"});
  EXPECT_EQ(find(stack, "Keeper.keep")->line, 9u);
  EXPECT_EQ(find(stack, "Keeper.keep")->kind, FrameKind::kPython);
  EXPECT_TRUE(find(stack, "Keeper.keep")->file.ends_with("names.py"));
  EXPECT_EQ(find(stack, "<lambda>")->line, 14u);
  EXPECT_EQ(find(stack, "generate")->line, 18u);
  EXPECT_EQ(find(stack, "_PyEval_EvalFrameDefault"), nullptr) << describe(stack);
}

TEST(Naming, GeneratedCodeOfNodeByItsPerfMap) {
  // The log that the option also makes would be left in the working directory.
  Watched program({"/usr/bin/node", "--perf-basic-prof", "--no-logfile-per-isolate",
                   "--logfile=/dev/null", SPECIMEN_NODE});
  const Stack stack = program.until(60000, [](const Stack& seen) {
    return find(seen, "hotOpen") != nullptr && find(seen, "outer") != nullptr;
  });
  std::filesystem::remove("/tmp/perf-" + std::to_string(number(program.process())) + ".map");
  ASSERT_FALSE(stack.empty());
  EXPECT_EQ(find(stack, "hotOpen")->kind, FrameKind::kJit);
}

// A program in another root, whose absolute links and names mean other files than here.
TEST(Naming, FilesAreThoseOfTheProcessesOwnRoot) {
  char folder[] = "/tmp/plumb-root-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string root = folder;
  std::filesystem::copy(SPECIMEN_C_STATIC, root + "/program");
  std::filesystem::create_symlink("/program", root + "/link");
  {
    TracedProcess traced({"/usr/sbin/chroot", root, "/program"});
    const ProcAccess access;
    ModuleCache cache;
    Symbolizer symbolizer;
    bool seen = false;
    for (int call = 0; call < 400 && !seen; ++call) {
      const auto thread = traced.next_call();
      ASSERT_TRUE(thread);
      auto view = ProcessView::open(traced.process(), access, cache);
      ASSERT_TRUE(view);
      const Snapshot snapshot = traced.snapshot(*thread, 32768);
      const auto unwound = Unwinder().unwind(*view, snapshot.registers, snapshot.stack);
      const Stack stack = symbolizer.frames(*view, unwound);
      const Frame* recursion = find(stack, "recurse");
      seen = recursion != nullptr;
      if (!seen) continue;
      EXPECT_TRUE(recursion->module.ends_with("/program"));
      EXPECT_TRUE(recursion->line);
      // By name, as without the capability for map_files: a link stays within the root.
      EXPECT_TRUE(access.file(traced.process(), "/link"));
      EXPECT_FALSE(access.file(traced.process(), "/etc/passwd"));
      EXPECT_FALSE(access.file(traced.process(), "/../../etc/passwd"));
    }
    EXPECT_TRUE(seen);
  }
  std::filesystem::remove_all(root);
}

// Debian's -dbgsym packages put them there; here in the root of the process.
TEST(Naming, SeparateDebugFilesAreFoundByBuildIdInTheProcessesOwnRoot) {
  const auto image = FileImage::open(SPECIMEN_STATIC_STRIPPED);
  ASSERT_TRUE(image);
  const auto elf = ElfImage::parse(**image);
  ASSERT_TRUE(elf);
  const std::string id = elf->build_id().hex();
  ASSERT_GT(id.size(), 2u);
  char folder[] = "/tmp/plumb-root-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string root = folder;
  const std::string debug = root + "/usr/lib/debug/.build-id/" + id.substr(0, 2);
  std::filesystem::create_directories(debug);
  std::filesystem::copy(SPECIMEN_STATIC_STRIPPED, root + "/program");
  std::filesystem::copy(SPECIMEN_STATIC_STRIPPED ".debug", debug + "/" + id.substr(2) + ".debug");
  {
    Watched program({"/usr/sbin/chroot", root, "/program"});
    const Stack stack = program.until(400, has("recurse"));
    const Frame* recursion = find(stack, "recurse");
    ASSERT_NE(recursion, nullptr);
    EXPECT_TRUE(recursion->line);
    EXPECT_TRUE(recursion->file.ends_with("deep.c"));
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace plumb::detect
