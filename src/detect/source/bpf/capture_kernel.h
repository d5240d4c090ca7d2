/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The few kernel types that the capturing programs read, declared by hand; CO-RE finds the fields
 * in the running kernel. Only fields that are used are named. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#define PLUMB_CORE __attribute__((preserve_access_index))

struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
  unsigned long cs, flags, sp, ss;
} PLUMB_CORE;

struct inode {
  unsigned short i_mode;
  unsigned long i_ino;
} PLUMB_CORE;
typedef struct {
  long counter;
} atomic64_t;
typedef struct {
  atomic64_t refcnt; /* one less than the number of references */
} file_ref_t;
struct file {
  void* private_data;
  struct inode* f_inode;
  file_ref_t f_ref;
} PLUMB_CORE;
/* Until 6.13: 90ee6ed776c0 ("fs: port files to file_ref"). */
struct file___before_6_13 {
  atomic64_t f_count;
} PLUMB_CORE;

struct in6_addr {
  __u8 s6_addr[16];
};
struct sock_common {
  unsigned short skc_family;
  __u32 skc_rcv_saddr;
  __u32 skc_daddr;
  __u16 skc_num;
  __u16 skc_dport;
  struct in6_addr skc_v6_rcv_saddr;
  struct in6_addr skc_v6_daddr;
} PLUMB_CORE;
struct socket {
  struct sock* sk;
  struct file* file;
} PLUMB_CORE;
struct sock {
  struct sock_common __sk_common;
  __u16 sk_type;
  __u8 sk_shutdown;
  struct socket* sk_socket;
} PLUMB_CORE;
/* Counts of TCP: sequence numbers of what the process has read (copied_seq) and written
 * (write_seq), of what has come (rcv_nxt) and of what the other side has taken (snd_una). */
struct tcp_sock {
  __u32 copied_seq;
  __u32 write_seq;
  __u32 rcv_nxt;
  __u32 snd_una;
  __u64 bytes_received;
  __u64 bytes_acked;
} PLUMB_CORE;

struct io_ring_ctx;
struct iov_iter {
  __u8 iter_type; /* 0: ITER_UBUF, one buffer of a process */
  void* ubuf;
} PLUMB_CORE;
struct msghdr {
  struct iov_iter msg_iter;
} PLUMB_CORE;
/* What the kernel keeps of a message while it is on its way. */
struct io_async_msghdr {
  struct msghdr msg;
} PLUMB_CORE;
struct io_cqe {
  __u64 user_data;
} PLUMB_CORE;
/* A request of io_uring; what it was asked for stands at its beginning, by its kind. */
struct io_kiocb {
  struct file* file;
  __u8 opcode;
  __u64 flags;
  struct io_cqe cqe;
  struct io_ring_ctx* ctx;
  void* async_data;
} PLUMB_CORE;
struct io_sr_msg {
  void* umsg;
  void* buf;
  int len;
  unsigned int done_io;
  __u16 flags;
} PLUMB_CORE;
struct io_rw {
  __u64 addr;
  __u32 len;
} PLUMB_CORE;
struct io_uring_cqe {
  __u64 user_data;
  __s32 res;
} PLUMB_CORE;

struct bpf_iter_meta {
  struct seq_file* seq;
} PLUMB_CORE;
struct bpf_iter__bpf_map_elem {
  struct bpf_iter_meta* meta;
  struct bpf_map* map;
  void* key;
  void* value;
} PLUMB_CORE;
struct bpf_iter__bpf_sk_storage_map {
  struct bpf_iter_meta* meta;
  struct bpf_map* map;
  struct sock* sk;
  void* value;
} PLUMB_CORE;

struct fdtable {
  unsigned int max_fds;
  struct file** fd;
} PLUMB_CORE;
struct files_struct {
  struct fdtable* fdt;
} PLUMB_CORE;
struct thread_info {
  __u32 status;
} PLUMB_CORE;
struct task_struct {
  struct thread_info thread_info;
  unsigned int flags;
  int pid;
  int tgid;
  struct files_struct* files;
} PLUMB_CORE;

enum {
  kThreadCompat = 0x2, /* TS_COMPAT: a 32-bit system call, with other numbers */
  kTaskOfKernel = 0x00200000 | 0x00000010 | 0x00004000, /* PF_KTHREAD, _IO_WORKER, _USER_WORKER */
  kStateFinWait1 = 4,
  kStateClose = 7,
  kStateLastAck = 9,
  kNoResultYet = -38, /* ENOSYS: the kernel puts it there before it does a call */
  kModeType = 0170000,
  kModeSocket = 0140000,
  kFamilyUnix = 1,
  kFamilyInet = 2,
  kFamilyInet6 = 10,
  kStream = 1,
};
