/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The survey's two iterators: every thread, and every descriptor with what it stands for. They
 * write the rows of survey_abi.h into the iterator's buffer of 32 KiB. A row that does not fit
 * makes bpf_seq_write fail; the kernel then hands the buffer to the reader and shows the same
 * object again to an empty one, so nothing is lost (bpf_seq_read, kernel/bpf/bpf_iter.c).
 */

#include "detect/source/bpf/survey_abi.h"
#include "detect/source/bpf/survey_sock.bpf.h"
#include "detect/source/bpf/survey_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct survey_request request = {};

/* include/uapi/linux/magic.h, include/uapi/linux/stat.h */
#define ANON_INODE_FS_MAGIC 0x09041934
#define HUGETLBFS_MAGIC 0x958458f6
#define PIPEFS_MAGIC 0x50495045
#define TMPFS_MAGIC 0x01021994
#define S_IFMT 0170000
#define S_IFSOCK 0140000
/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000
/* 54e6842d0775 ("fork/vm: Move common PF_IO_WORKER behavior to new flag"), 6.4: a process's vhost
 * workers. Until 5.17 the bit marked module loaders, whose waits are then not told. */
#define PF_USER_WORKER 0x00004000
#define TASK_SLEEPS 0x0003 /* TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE */
#define PIDTYPE_TGID 1
#define RLIMIT_NOFILE 7
/* __USER_CS: a 32-bit program's calls have other numbers, so they are not told. */
#define USER_CODE_SEGMENT 0x33

/* A row under construction; rows are longer than BPF's stack of 512 bytes. */
struct row {
  struct survey_file file;
  union {
    char path[SURVEY_TEXT_MAX + 8];
    struct {
      struct survey_socket socket;
      char bound[SURVEY_UNIX_PATH_MAX + 8];
    };
  };
};

/* The threads that read the iterators, so that each has its own row: one may take the processor
 * from the other in the middle of a program, and both go on. Cleared before each run. */
survey_u32 readers[SURVEY_READERS] = {};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SURVEY_READERS);
  __type(key, u32);
  __type(value, struct row);
} rows SEC(".maps");

/* Which file's name a slot's last row with a path had. */
struct name {
  u64 dentry;
  u64 mnt;
  u64 inode;
  u32 links;
  u32 survey;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SURVEY_NAME_SLOTS);
  __type(key, u32);
  __type(value, struct name);
} names SEC(".maps");

/* The number of the thread that this row is for; SURVEY_READERS where there are too many. */
static __always_inline u32 find_reader(void) {
  const u32 thread = (u32)bpf_get_current_pid_tgid();
  for (u32 i = 0; i < SURVEY_READERS; ++i) {
    if (readers[i] == thread) return i;
  }
  for (u32 i = 0; i < SURVEY_READERS; ++i) {
    if (__sync_val_compare_and_swap(&readers[i], 0, thread) == 0) return i;
  }
  return SURVEY_READERS;
}

/* The number of a pid in the namespace that is `level` levels deep; 0 where it has none there. */
static __always_inline s32 number_at(struct pid* pid, u32 level) {
  s32 number = 0;
  if (level > BPF_CORE_READ(pid, level)) return 0;
  const void* at = (const void*)((u64)pid + bpf_core_field_offset(struct pid, numbers) +
                                 (u64)level * bpf_core_type_size(struct upid) +
                                 bpf_core_field_offset(struct upid, nr));
  bpf_probe_read_kernel(&number, sizeof number, at);
  return number;
}

/* How deep the reader's pid namespace is. Found out for every thread, which are few, and left for
 * the descriptors, which are many: the threads' pass comes first. */
survey_u32 reader_level = 0;

static __always_inline u32 find_reader_level(void) {
  struct task_struct* reader = (void*)bpf_get_current_task();
  reader_level = BPF_CORE_READ(reader, thread_pid, level);
  return reader_level;
}

/* Process and thread numbers as the reader sees them, where its namespace is not the first one; 0:
 * not in its namespace. */
static __always_inline s32 process_number_at(struct task_struct* task, u32 level) {
  return number_at(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]), level);
}

static __always_inline s32 thread_number_at(struct task_struct* task, u32 level) {
  return number_at(BPF_CORE_READ(task, thread_pid), level);
}

static __always_inline u64 resident_pages(struct mm_struct* mm) {
  s64 sum = 0;
  const struct mm_struct___before_6_2* old = (const void*)mm;
  /* MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES; 2 is what is swapped out */
  if (bpf_core_field_exists(old->rss_stat.count)) {
    sum = BPF_CORE_READ(old, rss_stat.count[0].counter) +
          BPF_CORE_READ(old, rss_stat.count[1].counter) +
          BPF_CORE_READ(old, rss_stat.count[3].counter);
  } else {
    sum = BPF_CORE_READ(mm, rss_stat[0].count) + BPF_CORE_READ(mm, rss_stat[1].count) +
          BPF_CORE_READ(mm, rss_stat[3].count);
  }
  return sum > 0 ? sum : 0; /* a counter per processor can be behind */
}

static __always_inline void fill_process(struct survey_thread* row, struct task_struct* task,
                                         u32 level) {
  struct pid* pid = BPF_CORE_READ(task, thread_pid);
  const u32 depth = BPF_CORE_READ(pid, level);
  struct pid_namespace* space = 0;
  const void* at = (const void*)((u64)pid + bpf_core_field_offset(struct pid, numbers) +
                                 (u64)depth * bpf_core_type_size(struct upid) +
                                 bpf_core_field_offset(struct upid, ns));
  bpf_probe_read_kernel(&space, sizeof space, at);
  row->pid_namespace = BPF_CORE_READ(space, ns.inum);
  row->own_pid = number_at(pid, depth);
  struct task_struct* parent = BPF_CORE_READ(task, real_parent);
  row->parent = level == 0 ? BPF_CORE_READ(parent, tgid) : process_number_at(parent, level);
  const struct cred* cred = BPF_CORE_READ(task, cred);
  row->uid = BPF_CORE_READ(cred, euid.val);
  row->user_namespace = BPF_CORE_READ(cred, user_ns, ns.inum);
  struct nsproxy* spaces = BPF_CORE_READ(task, nsproxy);
  row->mnt_namespace = BPF_CORE_READ(spaces, mnt_ns, ns.inum);
  row->net_namespace = BPF_CORE_READ(spaces, net_ns, ns.inum);
  struct signal_struct* group = BPF_CORE_READ(task, signal);
  row->threads = BPF_CORE_READ(group, nr_threads);
  row->descriptor_limit = BPF_CORE_READ(group, rlim[RLIMIT_NOFILE].rlim_cur);
  row->descriptor_hard_limit = BPF_CORE_READ(group, rlim[RLIMIT_NOFILE].rlim_max);
  row->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
  if (BPF_CORE_READ(task, files)) row->head.bits |= SURVEY_HAS_FILES;
  struct mm_struct* mm = BPF_CORE_READ(task, mm);
  if (mm && !(task->flags & PF_KTHREAD)) {
    row->head.bits |= SURVEY_HAS_MEMORY;
    row->resident_pages = resident_pages(mm);
    row->virtual_pages = BPF_CORE_READ(mm, total_vm);
    const int mappings = BPF_CORE_READ(mm, map_count);
    row->mappings = mappings > 0 ? mappings : 0;
  }
}

/* Registers of a thread that never was in user space mean nothing. */
static __always_inline void fill_call(struct survey_thread* row, struct task_struct* task) {
  if (!(row->state & TASK_SLEEPS) || row->exit_state) return;
  if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)) return;
  struct pt_regs* regs = (struct pt_regs*)bpf_task_pt_regs((void*)task);
  const long call = regs->orig_ax;
  if (call < 0 || regs->cs != USER_CODE_SEGMENT) return;
  row->head.bits |= SURVEY_IN_SYSCALL;
  row->call = (s32)call;
  row->args[0] = regs->di;
  row->args[1] = regs->si;
  row->args[2] = regs->dx;
  row->args[3] = regs->r10;
  row->args[4] = regs->r8;
  row->args[5] = regs->r9;
}

/* Pointers in a task are read through helpers, not by following them: for each that a program
 * follows, the verifier of Linux 6.3 and newer looks through the names of all types of the kernel
 * (btf_nested_type_is_trusted), 5 ms apiece. */
SEC("iter/task")
int survey_tasks(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  if (!task) return 0;
  const int leader = task->pid == task->tgid;
  if (!leader && !request.threads) return 0;
  const u32 level = find_reader_level();
  struct survey_thread row = {};
  row.pid = level == 0 ? task->tgid : process_number_at(task, level);
  row.tid = level == 0 ? task->pid : thread_number_at(task, level);
  if (!row.pid || !row.tid) return 0;
  row.head.length = sizeof row;
  row.head.type = SURVEY_THREAD;
  row.start = BPF_CORE_READ(task, group_leader, start_boottime);
  row.state = task->__state;
  row.exit_state = task->exit_state;
  bpf_probe_read_kernel(row.comm, sizeof row.comm, task->comm);
  fill_call(&row, task);
  if (leader) {
    row.head.bits |= SURVEY_LEADER;
    row.sleeps = BPF_CORE_READ(task, nvcsw);
    fill_process(&row, task, level);
  }
  bpf_seq_write(ctx->meta->seq, &row, sizeof row);
  return 0;
}

static __always_inline int is_close_on_exec(struct files_struct* files, u32 fd) {
  u64 word = 0;
  bpf_probe_read_kernel(&word, sizeof word, files->fdt->close_on_exec + fd / 64);
  return (word >> (fd % 64)) & 1;
}

/* The slot that this file's name would stand in. */
static __always_inline struct name* find_slot(struct row* row, u32 reader) {
  const u64 golden = 0x9e3779b97f4a7c15ULL;
  const u32 hash = (u32)((row->file.inode * golden) >> 32);
  row->file.name_slot = reader * SURVEY_NAMES_READER + hash % SURVEY_NAMES_READER;
  return bpf_map_lookup_elem(&names, &row->file.name_slot);
}

/* A dentry can be freed and used again while the survey goes on; hardly for the same inode. */
static __always_inline int is_known(struct name* slot, struct row* row, struct file* file) {
  return slot && slot->dentry == (u64)file->f_path.dentry && slot->mnt == (u64)file->f_path.mnt &&
         slot->inode == row->file.inode && slot->links == row->file.links &&
         slot->survey == request.number;
}

static __always_inline void remember(struct name* slot, struct row* row, struct file* file) {
  slot->dentry = (u64)file->f_path.dentry;
  slot->mnt = (u64)file->f_path.mnt;
  slot->inode = row->file.inode;
  slot->links = row->file.links;
  slot->survey = request.number;
}

/* Names a file. Returns the length of the text without its NUL, or less than 0: too long. */
static __always_inline long fill_name(struct row* row, struct file* file, struct name* slot) {
  const u32 magic = row->file.magic;
  if (magic == PIPEFS_MAGIC) return 0;
  /* A dentry's name alone tells the kind of an anonymous inode, and a memfd from a file. */
  struct dentry* dentry = file->f_path.dentry;
  if (magic == ANON_INODE_FS_MAGIC) {
    return bpf_probe_read_kernel_str(row->path, 256, dentry->d_name.name) - 1;
  }
  if (!request.names) {
    if (magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC) return 0;
    if (dentry->d_parent != dentry) return 0;
    return bpf_probe_read_kernel_str(row->path, 256, dentry->d_name.name) - 1;
  }
  if (is_known(slot, row, file)) {
    row->file.head.bits |= SURVEY_NAME_KNOWN;
    return 0;
  }
  return bpf_d_path(&file->f_path, row->path, SURVEY_TEXT_MAX) - 1;
}

SEC("iter/task_file")
int survey_files(struct bpf_iter__task_file* ctx) {
  struct file* file = ctx->file;
  struct task_struct* task = ctx->task;
  if (!file || !task) return 0;
  const u32 reader = find_reader();
  struct row* row = bpf_map_lookup_elem(&rows, &reader);
  if (!row) return 0;
  const u32 level = reader_level;
  struct files_struct* files = task->files;
  struct inode* inode = file->f_inode;
  struct super_block* super = inode->i_sb;

  row->file.pid = level == 0 ? task->tgid : process_number_at(task, level);
  row->file.tid = level == 0 ? task->pid : thread_number_at(task, level);
  row->file.fd = ctx->fd;
  row->file.start = task->group_leader->start_boottime;
  row->file.table = (u64)files;
  row->file.file = (u64)file;
  row->file.inode = inode->i_ino;
  row->file.position = file->f_pos;
  row->file.size = inode->i_size;
  row->file.blocks = inode->i_blocks;
  row->file.mode = inode->i_mode;
  row->file.flags = file->f_flags;
  row->file.device = super->s_dev;
  row->file.rdev = inode->i_rdev;
  row->file.magic = super->s_magic;
  row->file.links = inode->i_nlink;
  row->file.text_length = 0;
  row->file.family = 0;
  row->file.type = 0;
  row->file.protocol = 0;
  row->file.head.type = SURVEY_FILE;
  row->file.head.bits = is_close_on_exec(files, ctx->fd) ? SURVEY_CLOSE_ON_EXEC : 0;

  u32 length = sizeof row->file;
  struct name* slot = 0;
  struct socket* socket = 0;
  if ((row->file.mode & S_IFMT) == S_IFSOCK) socket = bpf_sock_from_file((void*)file);
  if (socket) {
    /* A socket that is being closed has no sock any more. */
    struct sock* sk = socket->sk;
    if (sk) {
      row->file.head.bits |= SURVEY_IS_SOCKET;
      row->file.family = sk->__sk_common.skc_family;
      row->file.type = sk->sk_type;
      row->file.protocol = sk->sk_protocol;
      if (request.sockets) {
        row->file.head.bits |= SURVEY_HAS_SOCKET;
        const u32 bound = fill_socket(&row->socket, row->bound, sk);
        row->file.text_length = bound;
        length += sizeof row->socket + bound;
      }
    }
  } else {
    slot = find_slot(row, reader);
    const long named = fill_name(row, file, slot);
    if (named > 0 && named < SURVEY_TEXT_MAX) {
      row->file.text_length = named;
      length += named;
    } else if (named < 0) {
      row->file.head.bits |= SURVEY_NAME_LOST;
    }
  }
  length = (length + 7) & ~7U;
  row->file.head.length = length;
  if (length > sizeof *row) return 0; /* for the verifier; the parts are bounded above */
  /* A row that did not fit comes again, and must not find its own name known. */
  if (bpf_seq_write(ctx->meta->seq, row, length) == 0 && slot && row->file.text_length != 0) {
    remember(slot, row, file);
  }
  return 0;
}
