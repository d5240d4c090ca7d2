/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The few kernel types that the tracing programs read, declared by hand; CO-RE finds the fields in
 * the running kernel. Only fields that are used are named. */
#ifndef PLUMB_TRACE_KERNEL_H
#define PLUMB_TRACE_KERNEL_H

#include <linux/types.h>
#include <stdbool.h>

#define PLUMB_CORE __attribute__((preserve_access_index))

struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
  unsigned long cs, flags, sp, ss;
} PLUMB_CORE;

struct qstr {
  const unsigned char* name;
} PLUMB_CORE;
struct dentry {
  struct qstr d_name;
} PLUMB_CORE;
struct path {
  struct dentry* dentry;
} PLUMB_CORE;
struct super_block {
  unsigned long s_magic;
} PLUMB_CORE;
struct inode {
  unsigned short i_mode;
  unsigned int i_rdev;
  struct super_block* i_sb;
} PLUMB_CORE;
struct file {
  void* private_data;
  struct inode* f_inode;
  struct path f_path;
} PLUMB_CORE;

struct in6_addr {
  __u8 s6_addr[16];
};
struct sock_common {
  unsigned short skc_family;
  volatile unsigned char skc_state;
  __u32 skc_rcv_saddr;
  __u16 skc_num;
  struct in6_addr skc_v6_rcv_saddr;
} PLUMB_CORE;
typedef struct {
  int owned;
} PLUMB_CORE socket_lock_t;
struct sock {
  struct sock_common __sk_common;
  socket_lock_t sk_lock;
  __u16 sk_type;
  __u16 sk_protocol;
} PLUMB_CORE;
struct inet_sock {
  __u16 inet_sport;
} PLUMB_CORE;
struct tcp_sock {
  __u64 bytes_received;
  __u32 rcv_nxt;
  __u32 copied_seq;
} PLUMB_CORE;
struct socket {
  struct sock* sk;
} PLUMB_CORE;

struct fdtable {
  unsigned int max_fds;
  struct file** fd;
} PLUMB_CORE;
typedef struct {
  int counter;
} atomic_t;
struct files_struct {
  atomic_t count;
  struct fdtable* fdt;
} PLUMB_CORE;

struct thread_info {
  __u32 status;
} PLUMB_CORE;
struct signal_struct {
  unsigned int flags;
} PLUMB_CORE;
struct task_struct {
  struct thread_info thread_info;
  unsigned int flags;
  int pid;
  int tgid;
  int exit_code;
  __u64 start_boottime;
  struct files_struct* files;
  struct signal_struct* signal;
  struct task_struct* group_leader;
  unsigned long sas_ss_sp;
  unsigned long sas_ss_size;
  char comm[16];
} PLUMB_CORE;
struct linux_binprm {
  int argc;
} PLUMB_CORE;

struct io_kiocb {
  __u8 opcode;
} PLUMB_CORE;
struct io_uring_cqe {
  __s32 res;
} PLUMB_CORE;
struct io_ring_ctx;

struct seq_file;
struct bpf_iter_meta {
  struct seq_file* seq;
} PLUMB_CORE;
struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
} PLUMB_CORE;
struct bpf_iter__task_file {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
  __u32 fd;
  struct file* file;
} PLUMB_CORE;

/* From the kernel's and the C library's headers, which cannot be included beside these types. */
enum {
  kThreadCompat = 0x2,    /* TS_COMPAT: a 32-bit system call, with other numbers */
  kTaskIoWorker = 0x10,   /* PF_IO_WORKER */
  kTaskKernel = 0x200000, /* PF_KTHREAD */
  kGroupExits = 0x4,      /* SIGNAL_GROUP_EXIT: the whole process ends */
  kModeType = 0170000,
  kModeSocket = 0140000,
  kModeLink = 0120000,
  kModeFile = 0100000,
  kModeBlock = 0060000,
  kModeDirectory = 0040000,
  kModeCharacter = 0020000,
  kModeFifo = 0010000,
  kStateListen = 10, /* TCP_LISTEN, for every family */
};

#endif
