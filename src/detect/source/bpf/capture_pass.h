/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The way of bytes from a process into the ring, or, where there is no time for them, into the
 * recorder of their connection. */
#pragma once

#include "detect/source/bpf/capture_recorder.h"

/* Sends the piece on its way, or counts what is lost for the next one of its direction. */
static __always_inline void submit(struct piece* piece, struct capture_socket* socket) {
  const __u32 way = piece->event.bits & CAPTURE_SENT ? 1 : 0;
  piece->event.lost = socket ? __sync_lock_test_and_set(&socket->lost[way], 0) : 0;
  __u32 size = sizeof(piece->event) + piece->event.front + piece->event.tail;
  asm volatile("" : "+r"(size));
  if (size > sizeof(piece->event) + CAPTURE_FRONT + CAPTURE_TAIL) return;
  if (bpf_ringbuf_output(&events, piece, size, 0) == 0) return;
  count_loss(CAPTURE_LOST_EVENTS);
  if (socket) __sync_fetch_and_add(&socket->lost[way], piece->event.lost + piece->event.total);
}

/* One piece of what passed over a socket, on its way if it is of HTTP; its bits tell which way it
 * went and whether inside of TLS. `recorder` is the socket's own where it has one. */
static __noinline int pass_on(struct piece* piece, struct sock* sk, struct place* place,
                              struct capture_socket* socket, struct capture_recorder* recorder) {
  if (!piece || !place || !socket) return 0;
  const __u32 flags = piece->event.bits;
  const __u32 sends = flags & CAPTURE_SENT, tls = flags & CAPTURE_TLS;
  const bool known = socket->bits & CAPTURE_HTTP;
  place->limit = known ? CAPTURE_RECORDED : kGlance;
  gather(piece, place);
  const enum beginning part = beginning_of(piece->data, piece->event.front);
  if (!known) {
    if (part == kGoesOn) {
      if (!tls) socket->bits |= CAPTURE_OTHER;
      return 0;
    }
    socket->bits |= CAPTURE_HTTP;
  }
  __u32 bits = socket->bits & (CAPTURE_LATE | CAPTURE_CALLED | CAPTURE_ACCEPTED);
  /* Whatever comes after something else is met in the middle. */
  if (!tls && (socket->bits & CAPTURE_OTHER)) bits |= CAPTURE_LATE;
  piece->event.bits = bits | flags;
  /* Whether an exchange is looked at is decided where its request begins. */
  struct capture_budget* budget = budget_at(piece->event.time);
  if (!budget) return 0;
  if (part == kRequest) {
    if (budget->left != 0 || opens_tunnel(piece->data)) {
      socket->bits &= ~CAPTURE_SKIPPED;
    } else {
      socket->bits |= CAPTURE_SKIPPED;
      ++budget->skips;
    }
  }
  const __u32 way = sends ? 1 : 0;
  if (socket->bits & CAPTURE_SKIPPED) {
    if (!known) {
      place->limit = CAPTURE_RECORDED;
      gather(piece, place);
    }
    record(recorder ? recorder : recorder_of(piece->event.socket, sk), piece, way, part);
    socket->bits &= ~CAPTURE_SPOKE;
    if (sends) socket->bits |= CAPTURE_SPOKE;
    __sync_fetch_and_add(&socket->lost[way], piece->event.total);
    return 1;
  }
  if (budget->left != 0) {
    --budget->left;
    if (piece->event.total > place->limit) {
      place->limit = CAPTURE_FRONT;
      gather(piece, place);
    }
  }
  fill_event(&piece->event, sk);
  submit(piece, socket);
  return 1;
}
