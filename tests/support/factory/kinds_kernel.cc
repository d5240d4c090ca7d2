// SPDX-License-Identifier: Apache-2.0
// Descriptors that stand for an object of the kernel.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kinds.h"

namespace plumb::factory {
namespace {

void open_bpf_map(Roster& roster) {
  bpf_attr map{};
  map.map_type = BPF_MAP_TYPE_ARRAY;
  map.key_size = 4;
  map.value_size = 4;
  map.max_entries = 1;
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map)),
                        "bpf", "map");
}

// "return 0", as a socket filter: the one sort of program that needs the least.
void open_bpf_program(Roster& roster) {
  const bpf_insn instructions[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  bpf_attr program{};
  program.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  program.insns = reinterpret_cast<std::uint64_t>(instructions);
  program.insn_cnt = 2;
  program.license = reinterpret_cast<std::uint64_t>("GPL");
  roster.keep_or_refuse(
      static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program)), "bpf",
      "program");
}

void open_perf(Roster& roster) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.exclude_kernel = 1;
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1,
                                                   PERF_FLAG_FD_CLOEXEC)),
                        "perf_event", "");
}

// A filter that allows every call: the listener never hears anything.
void open_seccomp(Roster& roster) {
  sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = 1, .filter = allow};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                                   SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)),
                        "seccomp", "");
}

void open_landlock(Roster& roster) {
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE;
  roster.keep_or_refuse(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)), "landlock",
      "");
}

void open_mount_context(Roster& roster) {
  constexpr unsigned kCloseOnExec = 1;  // FSOPEN_CLOEXEC
  roster.keep_or_refuse(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", kCloseOnExec)), "mount",
                        "");
}

// Needs a kernel with CONFIG_UDMABUF: a sealed memfd becomes a dma-buf.
void open_dmabuf(Roster& roster) {
  const UniqueFd device(::open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  if (!device) return roster.refuse("dmabuf", "/dev/udmabuf", errno);
  const UniqueFd memory(::memfd_create("dmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  constexpr int kBytes = 4096;
  if (::ftruncate(memory.get(), kBytes) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    return roster.refuse("dmabuf", "memfd", errno);
  }
  udmabuf_create request{};
  request.memfd = static_cast<std::uint32_t>(memory.get());
  request.flags = UDMABUF_FLAGS_CLOEXEC;
  request.size = kBytes;
  roster.keep_or_refuse(::ioctl(device.get(), UDMABUF_CREATE, &request), "dmabuf", "");
}

// A virtual machine is an anonymous inode of a name that plumb has no kind for.
void open_stranger(Roster& roster) {
  const UniqueFd device(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!device) return roster.refuse("unknown", "/dev/kvm", errno);
  roster.keep_or_refuse(::ioctl(device.get(), KVM_CREATE_VM, 0), "unknown", "virtual machine");
}

}  // namespace

void open_kernel_objects(Roster& roster) {
  open_bpf_map(roster);
  open_bpf_program(roster);
  open_perf(roster);
  open_landlock(roster);
  open_mount_context(roster);
  open_dmabuf(roster);
  open_stranger(roster);
  open_seccomp(roster);
}

}  // namespace plumb::factory
