// SPDX-License-Identifier: Apache-2.0
// Reaching into a process through /proc and process_vm_readv.
#include "detect/symbol/process_access.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kMostMapsText = 64U << 20U;
constexpr std::uint64_t kMostVdso = 256U << 10U;  // it has 8 KiB

std::string proc_path(Pid process, const char* name) {
  return "/proc/" + std::to_string(number(process)) + "/" + name;
}

std::string map_files_path(Pid process, const Mapping& mapping) {
  char range[40];
  std::snprintf(range, sizeof(range), "%lx-%lx", number(mapping.start), number(mapping.end));
  return proc_path(process, "map_files/") + range;
}

}  // namespace

void ProcessAccess::read_pieces(Pid process, std::span<Piece> pieces) const {
  for (Piece& piece : pieces) piece.got = read_memory(process, piece.from, piece.into);
}

Result<std::string> ProcAccess::maps(Pid process) const {
  auto text = read_file(proc_path(process, "maps"), kMostMapsText);
  if (text || text.error().code != EACCES) return text;
  return fail("open", proc_path(process, "maps"), EACCES,
              "it is another user's: run plumb as root");
}

Result<std::unique_ptr<FileImage>> ProcAccess::file(Pid process, const std::string& path) const {
  const std::string root = proc_path(process, "root");
  auto directory = UniqueFd::open(root, O_PATH | O_DIRECTORY);
  if (!directory) return std::move(directory).error();
  // Absolute links inside a container must not lead into the host: openat2, Linux 5.6.
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, directory->get(), path.c_str(), &how, sizeof(how));
  if (fd < 0) return fail("open", root + path, errno);
  return FileImage::adopt(UniqueFd(static_cast<int>(fd)), path);
}

Result<std::unique_ptr<ImageSource>> ProcAccess::image(Pid process, const Mapping& mapping) const {
  if (mapping.path == "[vdso]") {
    const std::uint64_t size = number(mapping.end) - number(mapping.start);
    std::vector<std::byte> bytes(size <= kMostVdso ? size : 0);
    if (bytes.empty() || read_memory(process, mapping.start, bytes) != bytes.size()) {
      return fail("read vDSO of", proc_path(process, "mem"), EIO);
    }
    return std::unique_ptr<ImageSource>(std::make_unique<MemoryImage>(std::move(bytes)));
  }
  if (mapping.file.inode == 0) return fail("open", mapping.path, ENOENT, "anonymous memory");
  // map_files leads to the very file, even a deleted one, but wants CAP_CHECKPOINT_RESTORE.
  auto exact = FileImage::open(map_files_path(process, mapping));
  if (exact) return std::unique_ptr<ImageSource>(*std::move(exact));
  // The kernel prints names as the reader's root has them, where it can reach the file at all:
  // after a plain chroot the name is ours, in another mount namespace it is the process's.
  auto named = file(process, mapping.path);
  if (!named || (*named)->key().inode != mapping.file.inode) named = FileImage::open(mapping.path);
  if (!named) return std::move(named).error();
  // Only the inode number: overlayfs and btrfs print another device in maps than stat reports.
  if ((*named)->key().inode != mapping.file.inode) {
    return fail("open", mapping.path, ESTALE, "another file has this name now");
  }
  return std::unique_ptr<ImageSource>(*std::move(named));
}

std::size_t ProcAccess::read_memory(Pid process, Address from, std::span<std::byte> into) const {
  const iovec local{into.data(), into.size()};
  // The target's address is a number to us; the kernel checks it.
  const iovec remote{reinterpret_cast<void*>(number(from)), into.size()};
  const ssize_t got = ::process_vm_readv(number(process), &local, 1, &remote, 1, 0);
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

// A call ends at the first piece that cannot be read whole; the next call goes on behind it.
void ProcAccess::read_pieces(Pid process, std::span<Piece> pieces) const {
  constexpr std::size_t kMost = 1024;  // IOV_MAX
  std::vector<iovec> local;
  std::vector<iovec> remote;
  while (!pieces.empty()) {
    const std::size_t count = std::min(pieces.size(), kMost);
    local.clear();
    remote.clear();
    for (Piece& piece : pieces.first(count)) {
      piece.got = 0;
      local.push_back({piece.into.data(), piece.into.size()});
      remote.push_back({reinterpret_cast<void*>(number(piece.from)), piece.into.size()});
    }
    const ssize_t got =
        ::process_vm_readv(number(process), local.data(), count, remote.data(), count, 0);
    std::size_t left = got < 0 ? 0 : static_cast<std::size_t>(got);
    std::size_t done = 0;
    for (; done < count; ++done) {
      pieces[done].got = std::min(left, pieces[done].into.size());
      left -= pieces[done].got;
      if (pieces[done].got < pieces[done].into.size()) break;
    }
    pieces = pieces.subspan(std::min(done + 1, pieces.size()));
  }
}

}  // namespace plumb::detect
