// SPDX-License-Identifier: Apache-2.0
// Writing the heap sampler to a file.
#include "detect/source/heap_preload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "plumb/base/unique_fd.h"

// The linked library's bytes, as the assembler finds them.
asm(".pushsection .rodata\n"
    ".globl plumb_heap_sampler_begin, plumb_heap_sampler_end\n"
    ".hidden plumb_heap_sampler_begin, plumb_heap_sampler_end\n"
    "plumb_heap_sampler_begin:\n"
    ".incbin \"" PLUMB_HEAP_SAMPLER
    "\"\n"
    "plumb_heap_sampler_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" {
extern const char plumb_heap_sampler_begin[] __attribute__((visibility("hidden")));
extern const char plumb_heap_sampler_end[] __attribute__((visibility("hidden")));
}

namespace plumb::detect {

Result<HeapPreload> HeapPreload::write() {
  const char* temporary = std::getenv("TMPDIR");
  const bool usable = temporary != nullptr && *temporary == '/';
  std::string folder = std::string(usable ? temporary : "/tmp") + "/plumb-heap-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return fail("make", folder, errno);
  HeapPreload made(folder);
  if (::chmod(folder.c_str(), 0755) != 0) return fail("chmod", folder, errno);
  auto file = UniqueFd::open(made.path_, O_WRONLY | O_CREAT | O_EXCL, 0755);
  if (!file) return std::move(file).error();
  if (::fchmod(file->get(), 0755) != 0) return fail("chmod", made.path_, errno);
  const char* at = plumb_heap_sampler_begin;
  while (at < plumb_heap_sampler_end) {
    const ssize_t got =
        ::write(file->get(), at, static_cast<std::size_t>(plumb_heap_sampler_end - at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("write", made.path_, errno);
    at += got;
  }
  return made;
}

HeapPreload::HeapPreload(HeapPreload&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), path_(std::exchange(other.path_, {})) {}

HeapPreload::~HeapPreload() {
  if (folder_.empty()) return;
  ::unlink(path_.c_str());
  ::rmdir(folder_.c_str());
}

std::vector<std::string> HeapPreload::environment(std::uint64_t mean, FreedMemory freed) const {
  std::string preload = "LD_PRELOAD=" + path_;
  if (const char* others = std::getenv("LD_PRELOAD"); others != nullptr && *others != 0) {
    preload.append(":").append(others);
  }
  std::vector<std::string> settings = {std::move(preload),
                                       "PLUMB_HEAP_MEAN=" + std::to_string(mean)};
  if (freed == FreedMemory::kWiped) settings.emplace_back("PLUMB_HEAP_WIPE=1");
  return settings;
}

}  // namespace plumb::detect
