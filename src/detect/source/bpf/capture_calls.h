/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The hooks of a kernel that does not tell what its sockets move: which system call moved which
 * bytes, at its exit, because a result tells how many, with the time of a sending call's entry, so
 * that an answer never comes before its question. */
#pragma once

#include "detect/source/bpf/capture_place.h"
#include "detect/source/bpf/capture_session.h"

/* Set where capture_sockets.h does the work; what is left is the end of unix sockets. */
const volatile __u8 by_sockets = 0;

/* When the call began in which a thread is, for calls that send. */
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} begun SEC(".maps");

/* One piece of `total` bytes that went over the socket at `fd`. */
static __noinline int moved(struct pt_regs* regs, __s32 fd, struct place* place, __u64 total,
                            __u32 sends) {
  struct task_struct* task = bpf_get_current_task_btf();
  if (!regs || !place || total == 0) return 0;
  struct file* file = file_at(task, fd);
  struct sock* sk = stream_of(file);
  if (!sk) return 0;
  const __u64 inode = BPF_CORE_READ(file, f_inode, i_ino);
  struct capture_socket* socket = remember(inode, CAPTURE_LATE);
  if (!socket) return 0;
  if (tls_armed && is_of_tls(socket, inode, fd, sends)) return 0;
  struct piece* piece = piece_for(inode, fd);
  if (!piece) return 0;
  piece->event.what = CAPTURE_DATA;
  piece->event.total = total;
  if (sends) {
    const __u64* when = bpf_task_storage_get(&begun, task, 0, 0);
    if (when) piece->event.time = *when;
  }
  piece->event.bits = sends ? CAPTURE_SENT : 0;
  pass_on(piece, sk, place, socket, 0);
  return 0;
}

/* Something that ends a direction. Only of sockets that carried HTTP. */
static __noinline int ended(__s32 fd, __u32 what) {
  struct task_struct* task = bpf_get_current_task_btf();
  struct file* file = file_at(task, fd);
  if (!file) return 0;
  struct sock* sk = stream_of(file);
  if (!sk) return 0;
  const __u64 inode = BPF_CORE_READ(file, f_inode, i_ino);
  struct capture_socket* socket = bpf_map_lookup_elem(&sockets, &inode);
  if (!socket) return 0;
  if (what == CAPTURE_CLOSED && !is_last_reference(file)) return 0;
  const __u32 bits = socket->bits;
  if (bits & CAPTURE_HTTP) {
    struct piece* piece = piece_for(inode, fd);
    if (!piece) return 0;
    fill_event(&piece->event, sk);
    piece->event.what = what;
    piece->event.bits = (bits & 0xff) | (what == CAPTURE_PEER_ENDED ? 0 : CAPTURE_SENT);
    submit(piece, 0);
  }
  if (what == CAPTURE_CLOSED) {
    bpf_map_delete_elem(&sockets, &inode);
    bpf_map_delete_elem(&recorders, &inode);
  }
  return 0;
}

static __always_inline void made(struct task_struct* task, __s32 fd, __u32 bits) {
  struct file* file = file_at(task, fd);
  if (!stream_of(file)) return;
  const __u64 inode = BPF_CORE_READ(file, f_inode, i_ino);
  const struct capture_socket fresh = {.bits = bits, .met = bpf_ktime_get_boot_ns()};
  if (bpf_map_update_elem(&sockets, &inode, &fresh, BPF_ANY) != 0) {
    count_loss(CAPTURE_LOST_SOCKETS);
  }
}

struct batch {
  struct pt_regs* regs;
  __u64 first;
  __u64 count;
  __u32 fd;
  __u32 sends;
};

static long moved_message(__u64 index, struct batch* batch) {
  if (index >= batch->count) return 1;
  const __u64 at = batch->first + index * 64; /* sizeof(struct mmsghdr) */
  __u32 size = 0;
  if (bpf_probe_read_user(&size, sizeof(size), (const void*)(at + 56)) != 0) return 1;
  struct place place = place_of_message(at);
  moved(batch->regs, batch->fd, &place, size, batch->sends);
  return 0;
}

/* The calls that move bytes, by where these are. */
static __noinline int on_moved(struct pt_regs* regs, __u32 class, long result) {
  if (!regs) return 0;
  const long call = regs->orig_ax;
  const __u32 sends = class & kCallSends;
  const __s32 fd = regs->di;
  struct place place = {};
  switch (class & ~kCallSends) {
    case kCallBuffer:
      if (call == __NR_recvfrom && (regs->r10 & kPeek)) return 0;
      place.base = regs->si;
      break;
    case kCallVectors:
      place.vectors = regs->si;
      place.count = regs->dx;
      break;
    case kCallMessage:
      if (call == __NR_recvmsg && (regs->dx & kPeek)) return 0;
      place = place_of_message(regs->si);
      break;
    case kCallMessages: {
      struct batch batch = {
          .regs = regs, .first = regs->si, .count = result, .fd = fd, .sends = sends};
      bpf_loop(kMessages, moved_message, &batch, 0);
      if (result > kMessages) count_loss(CAPTURE_LOST_EVENTS);
      return 0;
    }
    case kCallCopy:
      if (call == __NR_splice) {
        moved(regs, fd, &place, result, 0);
        moved(regs, regs->dx, &place, result, kCallSends);
        return 0;
      }
      break; /* sendfile: into its first argument */
    default:
      return 0;
  }
  return moved(regs, fd, &place, result, sends);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs* regs, long call) {
  const __u32 class = class_of(call);
  if (class != kCallClose && (by_sockets || !(class & kCallSends))) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  if (!is_target(task) || !is_native(task)) return 0;
  if (class == kCallClose) return ended(regs->di, CAPTURE_CLOSED);
  __u64* when = bpf_task_storage_get(&begun, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (when) *when = bpf_ktime_get_boot_ns();
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs* regs, long result) {
  const __u32 class = class_of(regs->orig_ax);
  if (class == kCallNone || class == kCallClose) return 0;
  struct task_struct* task = bpf_get_current_task_btf();
  if (!is_target(task) || !is_native(task)) return 0;
  switch (class) {
    case kCallAccept:
      if (result >= 0) made(task, result, CAPTURE_ACCEPTED);
      return 0;
    case kCallConnect:
      if (result == 0 || result == -115) made(task, regs->di, CAPTURE_CALLED); /* EINPROGRESS */
      return 0;
    case kCallPair: {
      __s32 pair[2] = {-1, -1};
      if (result != 0) return 0;
      bpf_probe_read_user(pair, sizeof(pair), (const void*)regs->r10);
      made(task, pair[0], 0);
      made(task, pair[1], 0);
      return 0;
    }
    case kCallShutdown:
      if (result == 0 && regs->si != 0) ended(regs->di, CAPTURE_SHUT);
      return 0;
    default:
      break;
  }
  if (result > 0) return on_moved(regs, class, result);
  /* The end of what the other side says: EOF, ECONNRESET. Not for a read of no bytes. */
  const bool receives = !(class & kCallSends) && class != kCallMessages;
  const bool none_asked = (class == kCallBuffer || class == kCallVectors) && regs->dx == 0;
  if (receives && (result == -104 || (result == 0 && !none_asked))) {
    ended(regs->di, CAPTURE_PEER_ENDED);
  }
  return 0;
}
