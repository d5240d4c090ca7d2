/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The kernel's types as far as the survey reads them. Only the names count: the loader finds each
 * field's place in the running kernel by its BTF. What differs between kernels from 5.15 on stands
 * here with the commit that changed it, and nowhere else. */
#pragma once

/* The helpers need the types of the first. */
/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct seq_file;

struct ns_common {
  unsigned int inum;
} KERNEL_TYPE;
struct pid_namespace {
  struct ns_common ns;
} KERNEL_TYPE;
struct mnt_namespace {
  struct ns_common ns;
} KERNEL_TYPE;
struct user_namespace {
  struct ns_common ns;
} KERNEL_TYPE;
struct net {
  struct ns_common ns;
} KERNEL_TYPE;
struct nsproxy {
  struct mnt_namespace* mnt_ns;
  struct net* net_ns;
} KERNEL_TYPE;
struct upid {
  int nr;
  struct pid_namespace* ns;
} KERNEL_TYPE;
struct pid {
  unsigned int level;
  struct upid numbers[1];
} KERNEL_TYPE;

typedef struct {
  unsigned int val;
} kuid_t;
struct cred {
  kuid_t euid;
  struct user_namespace* user_ns;
} KERNEL_TYPE;
struct rlimit {
  unsigned long rlim_cur;
  unsigned long rlim_max;
} KERNEL_TYPE;
struct signal_struct {
  int nr_threads;
  struct pid* pids[4];
  struct rlimit rlim[16];
} KERNEL_TYPE;

struct percpu_counter {
  s64 count;
} KERNEL_TYPE;
struct mm_struct {
  unsigned long total_vm;
  int map_count;
  struct percpu_counter rss_stat[4];
} KERNEL_TYPE;
/* f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter"), 6.2: before it, one structure
 * with an array of counters. */
typedef struct {
  s64 counter;
} atomic64_t;
struct mm_rss_stat {
  atomic64_t count[4];
} KERNEL_TYPE;
struct mm_struct___before_6_2 {
  struct mm_rss_stat rss_stat;
} KERNEL_TYPE;

struct fdtable {
  unsigned int max_fds;
  unsigned long* close_on_exec;
} KERNEL_TYPE;
struct files_struct {
  struct fdtable* fdt;
} KERNEL_TYPE;

struct kernfs_node {
  u64 id;
} KERNEL_TYPE;
struct cgroup {
  struct kernfs_node* kn;
} KERNEL_TYPE;
struct css_set {
  struct cgroup* dfl_cgrp;
} KERNEL_TYPE;

struct task_struct {
  unsigned int __state;
  unsigned int flags;
  int exit_state;
  int pid;
  int tgid;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  struct pid* thread_pid;
  unsigned long nvcsw;
  u64 start_boottime;
  const struct cred* cred;
  char comm[16];
  struct files_struct* files;
  struct nsproxy* nsproxy;
  struct signal_struct* signal;
  struct css_set* cgroups;
  struct mm_struct* mm;
} KERNEL_TYPE;

/* arch/x86: where a thread came from when it entered the kernel. */
struct pt_regs {
  unsigned long r10, r9, r8, dx, si, di, orig_ax, cs;
} KERNEL_TYPE;

struct super_block {
  u32 s_dev;
  unsigned long s_magic;
} KERNEL_TYPE;
struct inode {
  u16 i_mode;
  unsigned int i_nlink;
  u32 i_rdev;
  unsigned long i_ino;
  s64 i_size;
  u64 i_blocks;
  struct super_block* i_sb;
} KERNEL_TYPE;
struct qstr {
  const unsigned char* name;
} KERNEL_TYPE;
struct dentry {
  struct dentry* d_parent;
  struct qstr d_name;
} KERNEL_TYPE;
struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
} KERNEL_TYPE;
struct file {
  struct path f_path;
  struct inode* f_inode;
  unsigned int f_flags;
  s64 f_pos;
} KERNEL_TYPE;

typedef struct {
  struct net* net;
} possible_net_t;
struct in6_addr {
  u8 bytes[16];
};
struct sock_common {
  u32 skc_daddr;
  u32 skc_rcv_saddr;
  u16 skc_dport;
  u16 skc_num;
  unsigned short skc_family;
  volatile unsigned char skc_state;
  int skc_bound_dev_if;
  possible_net_t skc_net;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
} KERNEL_TYPE;
typedef struct {
  int counter;
} atomic_t;
typedef struct {
  atomic_t refs;
} refcount_t;
struct sk_buff {
  struct sk_buff* next;
  unsigned int len;
  char cb[48];
} KERNEL_TYPE;
struct sk_buff_head {
  struct sk_buff* next;
  u32 qlen;
} KERNEL_TYPE;
struct sock_backlog {
  atomic_t rmem_alloc;
} KERNEL_TYPE;
struct socket;
struct sock {
  struct sock_common __sk_common;
  struct sk_buff_head sk_receive_queue;
  struct sock_backlog sk_backlog;
  struct socket* sk_socket;
  refcount_t sk_wmem_alloc;
  u16 sk_protocol;
  u16 sk_type;
  u8 sk_shutdown;
  u32 sk_ack_backlog;
  u32 sk_max_ack_backlog;
} KERNEL_TYPE;
struct socket {
  struct sock* sk;
} KERNEL_TYPE;

struct icsk_ack {
  u32 lrcvtime;
} KERNEL_TYPE;
struct inet_connection_sock {
  struct icsk_ack icsk_ack;
} KERNEL_TYPE;
struct tcp_sock {
  struct inet_connection_sock inet_conn;
  u32 copied_seq;
  u32 write_seq;
  u32 rcv_nxt;
  u32 snd_una;
  u32 lsndtime;
  u32 data_segs_in;
  u32 data_segs_out;
} KERNEL_TYPE;
struct udp_sock {
  int forward_deficit;
} KERNEL_TYPE;
struct packet_sock {
  int ifindex;
  u16 num; /* ETH_P_*, big endian */
} KERNEL_TYPE;
struct netlink_sock {
  u32 portid;
  u32 dst_portid;
} KERNEL_TYPE;
struct sockaddr_vm {
  unsigned int svm_port;
  unsigned int svm_cid;
} KERNEL_TYPE;
/* Unknown where vsock is a module: its types are then not the kernel's own. */
struct vsock_sock {
  struct sockaddr_vm local_addr;
  struct sockaddr_vm remote_addr;
} KERNEL_TYPE;
struct sockaddr_un {
  unsigned short sun_family;
};
struct unix_address {
  int len;
  struct sockaddr_un name[1];
} KERNEL_TYPE;
struct unix_sock {
  struct unix_address* addr;
  struct sock* peer;
} KERNEL_TYPE;
/* f4e1fb04c123 ("af_unix: Use cached value for SOCK_STREAM in unix_inq_len()."), 6.17: the bytes
 * unread of a stream; before it they have to be added up. */
struct unix_sock___since_6_17 {
  int inq_len;
} KERNEL_TYPE;
/* 3c32da19a858 ("unix: Show number of pending scm files of receive queue in fdinfo"), 5.6; an
 * atomic first, a plain number since 6.16: the same word. */
struct scm_stat {
  int nr_fds;
} KERNEL_TYPE;
struct unix_sock___since_5_6 {
  struct scm_stat scm_stat;
} KERNEL_TYPE;
struct unix_skb_parms {
  u32 consumed;
} KERNEL_TYPE;

struct bpf_iter_meta {
  struct seq_file* seq;
} KERNEL_TYPE;
struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
} KERNEL_TYPE;
struct bpf_iter__task_file {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
  u32 fd;
  struct file* file;
} KERNEL_TYPE;
