// SPDX-License-Identifier: Apache-2.0
// Opening a Go process.
#include "app/cli/go_program.h"

#include <cerrno>
#include <string>
#include <utility>

#include "detect/symbol/elf_image.h"
#include "detect/symbol/image.h"

namespace plumb::app {
namespace {

using namespace detect;

// Without reading its libraries: most processes are none of Go's.
bool runs_go(Pid process) {
  const auto image = FileImage::open("/proc/" + std::to_string(number(process)) + "/exe");
  if (!image) return false;
  const auto elf = ElfImage::parse(**image);
  if (!elf) return false;
  return elf->sections().empty() || elf->section(".gopclntab") != nullptr ||
         elf->section(".data.rel.ro.gopclntab") != nullptr;
}

}  // namespace

Result<std::shared_ptr<GoProgram>> GoProgram::open(Pid process) {
  if (!runs_go(process)) return fail("find Go in", std::to_string(number(process)), ENOEXEC);
  std::shared_ptr<GoProgram> program(new GoProgram());
  auto view = ProcessView::open(process, program->access_, program->modules_);
  if (!view) return std::move(view).error();
  program->view_ = std::make_unique<ProcessView>(*std::move(view));
  auto runtime = GoRuntime::find(*program->view_);
  if (!runtime) return std::move(runtime).error();
  program->runtime_ = std::make_unique<GoRuntime>(*std::move(runtime));
  return program;
}

}  // namespace plumb::app
