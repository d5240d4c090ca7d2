/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Of which kind a struct file is: by its inode's type, its file system, its socket's family, and
 * for anonymous inodes by the name that the kernel gave it. */
#ifndef PLUMB_TRACE_KINDS_H
#define PLUMB_TRACE_KINDS_H

#include "detect/source/bpf/trace_calls.h"
#include "detect/source/bpf/trace_core.h"

enum file_system_magic { /* linux/magic.h */
                         kMagicAnonymous = 0x09041934,
                         kMagicPipe = 0x50495045,
                         kMagicPidfd = 0x50494446,
                         kMagicMqueue = 0x19800202,
                         kMagicNamespace = 0x6e736673,
                         kMagicDmabuf = 0x444d4142,
                         kMagicTmpfs = 0x01021994,
                         kMagicHuge = 0x958458f6,
                         kMagicSecret = 0x5345434d,
};

static __always_inline __u8 kind_of_socket(struct file* file) {
  struct socket* socket = PLUMB_READ(file, private_data);
  struct sock* sk = PLUMB_READ(socket, sk);
  const __u16 family = PLUMB_READ(sk, __sk_common.skc_family);
  const __u16 type = PLUMB_READ(sk, sk_type);
  const __u16 protocol = PLUMB_READ(sk, sk_protocol);
  switch (family) {
    case 1: /* AF_UNIX */
      return kKindUnix;
    case 2:  /* AF_INET */
    case 10: /* AF_INET6 */
      if (type == 3) return kKindRaw;
      if (type == 2 && (protocol == 17 || protocol == 136)) return kKindUdp;
      if (type == 1 && (protocol == 6 || protocol == 262)) return kKindTcp;
      return kKindSocket;
    case 16:
      return kKindNetlink;
    case 17:
      return kKindPacket;
    case 40:
      return kKindVsock;
    default:
      return kKindSocket;
  }
}

/* The first eight letters decide; the kernel's names are older than any version that matters. */
#define PLUMB_NAME8(a, b, c, d, e, f, g, h)                                                \
  ((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
   (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

static __always_inline __u64 name_of_file(struct file* file) {
  __u64 name = 0;
  const unsigned char* text = BPF_CORE_READ(file, f_path.dentry, d_name.name);
  bpf_probe_read_kernel(&name, sizeof(name), text);
  return name;
}

static __always_inline __u8 kind_of_anonymous(__u64 name) {
  switch (name) {
    case PLUMB_NAME8('[', 'e', 'v', 'e', 'n', 't', 'f', 'd'):
      return kKindEventfd;
    case PLUMB_NAME8('[', 'e', 'v', 'e', 'n', 't', 'p', 'o'):
      return kKindEpoll;
    case PLUMB_NAME8('[', 't', 'i', 'm', 'e', 'r', 'f', 'd'):
      return kKindTimerfd;
    case PLUMB_NAME8('[', 's', 'i', 'g', 'n', 'a', 'l', 'f'):
      return kKindSignalfd;
    case PLUMB_NAME8('i', 'n', 'o', 't', 'i', 'f', 'y', 0):
      return kKindInotify;
    case PLUMB_NAME8('[', 'f', 'a', 'n', 'o', 't', 'i', 'f'):
      return kKindFanotify;
    case PLUMB_NAME8('[', 'i', 'o', '_', 'u', 'r', 'i', 'n'):
      return kKindIoUring;
    case PLUMB_NAME8('[', 'p', 'i', 'd', 'f', 'd', ']', 0):
      return kKindPidfd;
    case PLUMB_NAME8('[', 'u', 's', 'e', 'r', 'f', 'a', 'u'):
      return kKindUserfaultfd;
    case PLUMB_NAME8('[', 'p', 'e', 'r', 'f', '_', 'e', 'v'):
      return kKindPerfEvent;
    case PLUMB_NAME8('[', 'f', 's', 'c', 'o', 'n', 't', 'e'):
    case PLUMB_NAME8('[', 'f', 's', 'm', 'o', 'u', 'n', 't'):
      return kKindMountContext;
    case PLUMB_NAME8('s', 'e', 'c', 'c', 'o', 'm', 'p', ' '):
      return kKindSeccomp;
    case PLUMB_NAME8('[', 'l', 'a', 'n', 'd', 'l', 'o', 'c'):
    case PLUMB_NAME8('l', 'a', 'n', 'd', 'l', 'o', 'c', 'k'):
      return kKindLandlock;
    case PLUMB_NAME8('b', 'p', 'f', '-', 'm', 'a', 'p', 0):
    case PLUMB_NAME8('b', 'p', 'f', '-', 'p', 'r', 'o', 'g'):
    case PLUMB_NAME8('b', 'p', 'f', '_', 'l', 'i', 'n', 'k'):
    case PLUMB_NAME8('b', 'p', 'f', '_', 'i', 't', 'e', 'r'):
    case PLUMB_NAME8('b', 't', 'f', 0, 0, 0, 0, 0):
      return kKindBpf;
    default:
      return kKindUnknown;
  }
}

static __always_inline __u8 classify(struct file* file) {
  struct inode* inode = PLUMB_READ(file, f_inode);
  const unsigned short mode = PLUMB_READ(inode, i_mode);
  if ((mode & kModeType) == kModeSocket) return kind_of_socket(file);
  struct super_block* super = PLUMB_READ(inode, i_sb);
  const unsigned long magic = PLUMB_READ(super, s_magic);
  switch (magic) {
    case kMagicAnonymous: {
      const __u64 name = name_of_file(file);
      /* The kernel's "btf" is shorter than eight letters; what follows its end is not looked at. */
      if ((name & 0xffffffff) == PLUMB_NAME8('b', 't', 'f', 0, 0, 0, 0, 0)) return kKindBpf;
      return kind_of_anonymous(name);
    }
    case kMagicPidfd:
      return kKindPidfd;
    case kMagicMqueue:
      return (mode & kModeType) == kModeDirectory ? kKindDirectory : kKindMqueue;
    case kMagicNamespace:
      return kKindNamespace;
    case kMagicDmabuf:
      return kKindDmabuf;
    case kMagicSecret:
      return kKindMemfd;
    case kMagicTmpfs:
    case kMagicHuge:
      if ((name_of_file(file) & 0xffffffffffffULL) ==
          PLUMB_NAME8('m', 'e', 'm', 'f', 'd', ':', 0, 0))
        return kKindMemfd;
      break;
    default:
      break;
  }
  switch (mode & kModeType) {
    case kModeFile:
      return kKindFile;
    case kModeDirectory:
      return kKindDirectory;
    case kModeLink:
      return kKindSymlink;
    case kModeBlock:
      return kKindBlockDevice;
    case kModeFifo:
      return magic == kMagicPipe ? kKindPipe : kKindFifo;
    case kModeCharacter: {
      const unsigned int device = PLUMB_READ(inode, i_rdev); /* major << 20 | minor */
      const unsigned int major = device >> 20;
      if ((major >= 136 && major <= 143) || device == ((5U << 20) | 2)) return kKindPty;
      return kKindCharacterDevice;
    }
    default:
      return kKindUnknown;
  }
}

/* What a call that names its kind makes; kKindUnknown for the others. Saves reading the inode. */
static __always_inline __u8 kind_by_call(__u64 number) {
  switch (number) {
    case __NR_eventfd:
    case __NR_eventfd2:
      return kKindEventfd;
    case __NR_epoll_create:
    case __NR_epoll_create1:
      return kKindEpoll;
    case __NR_timerfd_create:
      return kKindTimerfd;
    case __NR_pipe:
    case __NR_pipe2:
      return kKindPipe;
    case __NR_socket:
    case __NR_socketpair:
    case __NR_accept:
    case __NR_accept4:
      return kKindSocket;
    default:
      return kKindUnknown;
  }
}

/* The same for a struct file whose address is a number; verified once, not at every call. */
__noinline int kind_of(__u64 file, __u32 call) {
  const __u8 kind = kind_by_call(call);
  if (kind == kKindSocket) return kind_of_socket((struct file*)file);
  if (kind != kKindUnknown) return kind;
  if (call == __NR_openat || call == __NR_open || call == __NR_creat) {
    /* By name one gets no anonymous inode; a memfd opened again by /proc/PID/fd passes for a file.
     */
    struct inode* inode = PLUMB_READ((struct file*)file, f_inode);
    const unsigned short mode = PLUMB_READ(inode, i_mode);
    if ((mode & kModeType) == kModeFile) {
      struct super_block* super = PLUMB_READ(inode, i_sb);
      return PLUMB_READ(super, s_magic) == kMagicNamespace ? kKindNamespace : kKindFile;
    }
    if ((mode & kModeType) == kModeDirectory) return kKindDirectory;
  }
  return classify((struct file*)file);
}

#endif
