/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The rows that the survey's iterators write and survey_rows.cc reads: fixed widths, explicit
 * padding, the machine's byte order. Both sides include this file and check the sizes.
 *
 * A stream of rows is rows back to back. Each begins with survey_head; `length` counts the whole
 * row, is a multiple of 8 and leads to the next one. Variable parts follow the fixed part in the
 * order socket, text; the text is padded with NULs that belong to nobody.
 */
#pragma once

#ifdef __bpf__
typedef unsigned char survey_u8;
typedef unsigned short survey_u16;
typedef unsigned int survey_u32;
typedef int survey_s32;
typedef unsigned long long survey_u64;
#define SURVEY_STATIC_ASSERT _Static_assert
#else
#include <cstdint>
typedef std::uint8_t survey_u8;
typedef std::uint16_t survey_u16;
typedef std::uint32_t survey_u32;
typedef std::int32_t survey_s32;
typedef std::uint64_t survey_u64;
#define SURVEY_STATIC_ASSERT static_assert
#endif

enum survey_row_type {
  SURVEY_THREAD = 1,
  SURVEY_FILE = 2,
};

struct survey_head {
  survey_u16 length;
  survey_u8 type; /* survey_row_type */
  survey_u8 bits; /* of this type */
};

/* A path of PATH_MAX with its NUL, and what stands before it. */
#define SURVEY_TEXT_MAX 4096
#define SURVEY_COMM 16

/* bits of survey_thread */
#define SURVEY_LEADER 1     /* the fields about the process are filled */
#define SURVEY_IN_SYSCALL 2 /* asleep in `call` */
#define SURVEY_HAS_MEMORY 4 /* not a kernel thread, not a zombie */
#define SURVEY_HAS_FILES 8

struct survey_thread {
  struct survey_head head;
  survey_s32 pid; /* thread group */
  survey_s32 tid;
  survey_s32 call; /* __NR_* */
  survey_u64 args[6];
  survey_u64 start;      /* of the group's leader, ns since boot */
  survey_u32 state;      /* task_struct::__state */
  survey_u32 exit_state; /* task_struct::exit_state */
  survey_u8 comm[SURVEY_COMM];
  /* the process */
  survey_s32 parent;
  survey_s32 own_pid; /* in its own pid namespace */
  survey_u32 uid;     /* effective, in the initial user namespace */
  survey_u32 threads;
  survey_u32 pid_namespace; /* inodes in nsfs; 0: none (zombie) */
  survey_u32 mnt_namespace;
  survey_u32 net_namespace;
  survey_u32 user_namespace;
  survey_u64 descriptor_limit; /* ~0: unlimited */
  survey_u64 descriptor_hard_limit;
  survey_u64 resident_pages;
  survey_u64 virtual_pages;
  survey_u64 cgroup;   /* id in the unified hierarchy; 0: unknown */
  survey_u64 mappings; /* mm_struct::map_count */
  survey_u64 sleeps;   /* task_struct::nvcsw of the leader: how often it gave up its processor */
};
SURVEY_STATIC_ASSERT(sizeof(struct survey_thread) == 184, "no hidden padding");

/* bits of survey_file */
#define SURVEY_CLOSE_ON_EXEC 1
#define SURVEY_HAS_SOCKET 2 /* a survey_socket follows */
#define SURVEY_NAME_LOST 4  /* the path is longer than PATH_MAX */
#define SURVEY_IS_SOCKET 8  /* family, type and protocol are meant */
/* A path costs 0.6 us, and machines open the same few files again and again. So a row whose file
 * has the name of an earlier row has no text, but this bit; the name is that of the last row with a
 * path that had the same slot. Each reader has slots of its own, and its rows stay in order. */
#define SURVEY_NAME_KNOWN 16
#define SURVEY_READERS 2
#define SURVEY_NAMES_READER 1024
#define SURVEY_NAME_SLOTS (SURVEY_READERS * SURVEY_NAMES_READER)

struct survey_file {
  struct survey_head head;
  survey_s32 pid; /* thread group */
  survey_s32 tid; /* whose table this is; == pid for the group's */
  survey_s32 fd;
  survey_u64 start; /* of the group's leader, ns since boot: with pid, the process */
  survey_u64 table; /* struct files_struct */
  survey_u64 file;  /* struct file */
  survey_u64 inode;
  survey_u64 position;
  survey_u64 size;
  survey_u64 blocks; /* of 512 bytes */
  survey_u32 mode;   /* inode::i_mode */
  survey_u32 flags;  /* file::f_flags */
  survey_u32 device; /* the kernel's dev_t: 12 bits major, 20 bits minor */
  survey_u32 rdev;
  survey_u32 magic; /* super_block::s_magic */
  survey_u32 links;
  survey_u16 text_length;
  survey_u16 family; /* of a socket, told even where its record is not asked for */
  survey_u16 type;
  survey_u16 protocol;
  survey_u32 name_slot; /* below SURVEY_NAME_SLOTS */
  survey_u32 padding;
};
SURVEY_STATIC_ASSERT(sizeof(struct survey_file) == 112, "no hidden padding");

/* bits of survey_socket */
#define SURVEY_TCP_TIMES 1      /* `now`, `last_sent`, `last_received` are meant */
#define SURVEY_TCP_SENT 2       /* data was sent at least once */
#define SURVEY_TCP_RECEIVED 4   /* data was received at least once */
#define SURVEY_PEER_IN_QUEUE 8  /* unix: no process has accepted the peer yet */
#define SURVEY_QUEUE_UNKNOWN 16 /* unix: too many messages to count their bytes */

struct survey_socket {
  survey_u64 sock;         /* struct sock */
  survey_u64 peer;         /* unix: struct sock of the connected end; 0: none or dead */
  survey_u64 address;      /* unix: struct unix_address, which a listener and its embryos share */
  survey_u64 peer_address; /* unix: the peer's */
  survey_u32 net_namespace;
  survey_u32 device;
  survey_u32 receive_queue;
  survey_u32 send_queue;
  survey_u32 accept_queue;
  survey_u32 backlog;
  survey_u32 now; /* the low half of jiffies, when the next two were read */
  survey_u32 last_sent;
  survey_u32 last_received;
  survey_u16 family;
  survey_u16 type;
  survey_u16 protocol;
  survey_u16 local_port; /* host order */
  survey_u16 remote_port;
  survey_u8 state;    /* sock_common::skc_state */
  survey_u8 shutdown; /* RCV_SHUTDOWN 1, SEND_SHUTDOWN 2 */
  survey_u8 bits;
  survey_u8 padding[3];
  survey_u32 in_flight; /* unix: descriptors that were sent to it and not received; 5.6 and later */
  survey_u8 local[16];  /* IPv4: in the first four; vsock: u32 context id, u32 port; netlink: u32 0,
                         u32 port id */
  survey_u8 remote[16];
};
SURVEY_STATIC_ASSERT(sizeof(struct survey_socket) == 120, "no hidden padding");

/* What the iterators are asked for; the object's only writable data besides the losses. */
struct survey_request {
  survey_u32 names;
  survey_u32 sockets;
  survey_u32 threads;
  survey_u32 number; /* of the survey: what an earlier one named is not known */
};
