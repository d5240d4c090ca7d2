/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What struct sock and its families tell about a socket, for survey.bpf.c. Queues are counted as
 * sock_diag counts them, so that plumb and ss agree. */
#pragma once

#include "detect/source/bpf/survey_abi.h"
#include "detect/source/bpf/survey_types.h"

/* include/linux/socket.h, include/uapi/linux/in.h, include/net/tcp_states.h, include/net/sock.h */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_VSOCK 40
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define TCP_ESTABLISHED 1
#define TCP_CLOSE 7
#define TCP_LISTEN 10

/* sockaddr_un::sun_path and its NUL; what stands before it in sockaddr_un */
#define SURVEY_UNIX_PATH_MAX 108
#define SUN_PATH_OFFSET 2
/* Messages whose bytes are added up where the kernel does not. */
#define MESSAGES_COUNTED 32

static __always_inline u32 tcp_receive_queue(struct tcp_sock* tcp) {
  const s32 unread = (s32)(tcp->rcv_nxt - tcp->copied_seq);
  return unread > 0 ? unread : 0;
}

static __always_inline void fill_tcp(struct survey_socket* row, struct tcp_sock* tcp) {
  if (row->state == TCP_LISTEN) return;
  row->receive_queue = tcp_receive_queue(tcp);
  row->send_queue = tcp->write_seq - tcp->snd_una;
  row->bits |= SURVEY_TCP_TIMES;
  if (tcp->data_segs_out) row->bits |= SURVEY_TCP_SENT;
  if (tcp->data_segs_in) row->bits |= SURVEY_TCP_RECEIVED;
  row->last_sent = tcp->lsndtime;
  row->last_received = tcp->inet_conn.icsk_ack.lrcvtime;
  row->now = (u32)bpf_jiffies64();
}

/* Bytes of memory, as sock_diag says: datagrams have no other queue length. */
static __always_inline void fill_queues_by_memory(struct survey_socket* row, struct sock* sk) {
  s32 unread = sk->sk_backlog.rmem_alloc.counter;
  if (row->protocol == IPPROTO_UDP || row->protocol == IPPROTO_UDPLITE) {
    const struct udp_sock* udp = (const void*)sk;
    unread -= BPF_CORE_READ(udp, forward_deficit);
  }
  row->receive_queue = unread > 0 ? unread : 0;
  /* the socket itself counts as 1 */
  const s32 unsent = sk->sk_wmem_alloc.refs.counter - 1;
  row->send_queue = unsent > 0 ? unsent : 0;
}

static __always_inline u32 bytes_of_message(struct sk_buff* message) {
  u32 consumed = 0;
  bpf_probe_read_kernel(&consumed, sizeof consumed,
                        (const void*)((u64)message + bpf_core_field_offset(struct sk_buff, cb) +
                                      bpf_core_field_offset(struct unix_skb_parms, consumed)));
  return message->len - consumed;
}

/* unix_inq_len(): all bytes of a stream, the first message of a datagram socket. */
static __always_inline void fill_unix_receive_queue(struct survey_socket* row, struct sock* sk) {
  const struct unix_sock___since_6_17* counted = (const void*)sk;
  if (row->type == SOCK_STREAM && bpf_core_field_exists(counted->inq_len)) {
    row->receive_queue = BPF_CORE_READ(counted, inq_len);
    return;
  }
  const u32 messages = sk->sk_receive_queue.qlen;
  if (messages == 0) return;
  struct sk_buff* message = sk->sk_receive_queue.next;
  if (row->type == SOCK_DGRAM) {
    row->receive_queue = bytes_of_message(message);
    return;
  }
  for (u32 i = 0; i < MESSAGES_COUNTED && i < messages; ++i) {
    row->receive_queue += bytes_of_message(message);
    message = message->next;
  }
  if (messages > MESSAGES_COUNTED) row->bits |= SURVEY_QUEUE_UNKNOWN;
}

static __always_inline u32 descriptors_in_flight(struct sock* sk) {
  const struct unix_sock___since_5_6* counted = (const void*)sk;
  if (!bpf_core_field_exists(counted->scm_stat)) return 0;
  s32 sent = 0;
  bpf_probe_read_kernel(&sent, sizeof sent, &counted->scm_stat);
  return sent > 0 ? sent : 0;
}

/* Returns the length of the bound name in `bound`. */
static __always_inline u32 fill_unix(struct survey_socket* row, char* bound, struct sock* sk) {
  struct unix_sock* un = (struct unix_sock*)bpf_skc_to_unix_sock(sk);
  if (!un) return 0;
  if (row->state != TCP_LISTEN) {
    fill_unix_receive_queue(row, sk);
    const s32 unsent = sk->sk_wmem_alloc.refs.counter - 1;
    row->send_queue = unsent > 0 ? unsent : 0;
    row->in_flight = descriptors_in_flight(sk);
  } else {
    /* unix keeps no count of its own: each connection that waits is a message in the queue */
    row->accept_queue = sk->sk_receive_queue.qlen;
  }
  /* The peer stays in place after its own close; its state tells. */
  struct sock* peer = un->peer;
  if (peer && (peer->sk_socket || peer->__sk_common.skc_state == TCP_ESTABLISHED)) {
    row->peer = (u64)peer;
    if (!peer->sk_socket) {
      const struct unix_sock* embryo = (const void*)peer;
      row->bits |= SURVEY_PEER_IN_QUEUE;
      row->peer_address = (u64)BPF_CORE_READ(embryo, addr);
    }
  }
  struct unix_address* address = un->addr;
  row->address = (u64)address;
  if (!address) return 0;
  const u32 length = (u32)address->len - SUN_PATH_OFFSET;
  if (length == 0 || length > SURVEY_UNIX_PATH_MAX) return 0;
  bpf_probe_read_kernel(
      bound, length,
      (const void*)((u64)address + bpf_core_field_offset(struct unix_address, name) +
                    SUN_PATH_OFFSET));
  return length;
}

static __always_inline void fill_vsock(struct survey_socket* row, const struct vsock_sock* vsock) {
  if (!bpf_core_type_exists(struct vsock_sock)) return;
  ((u32*)row->local)[0] = BPF_CORE_READ(vsock, local_addr.svm_cid);
  ((u32*)row->local)[1] = BPF_CORE_READ(vsock, local_addr.svm_port);
  ((u32*)row->remote)[0] = BPF_CORE_READ(vsock, remote_addr.svm_cid);
  ((u32*)row->remote)[1] = BPF_CORE_READ(vsock, remote_addr.svm_port);
}

/* Fills the row; returns the length of a unix socket's bound name in `bound`. */
static __always_inline u32 fill_socket(struct survey_socket* row, char* bound, struct sock* sk) {
  __builtin_memset(row, 0, sizeof *row);
  row->sock = (u64)sk;
  row->family = sk->__sk_common.skc_family;
  row->type = sk->sk_type;
  row->protocol = sk->sk_protocol;
  row->state = sk->__sk_common.skc_state;
  row->shutdown = sk->sk_shutdown;
  row->net_namespace = sk->__sk_common.skc_net.net->ns.inum;
  row->device = sk->__sk_common.skc_bound_dev_if;
  if (row->state == TCP_LISTEN) {
    row->accept_queue = sk->sk_ack_backlog;
    row->backlog = sk->sk_max_ack_backlog;
  }
  if (row->family == AF_UNIX) return fill_unix(row, bound, sk);
  if (row->family == AF_INET || row->family == AF_INET6) {
    row->local_port = sk->__sk_common.skc_num;
    row->remote_port = __builtin_bswap16(sk->__sk_common.skc_dport);
    if (row->family == AF_INET) {
      *(u32*)row->local = sk->__sk_common.skc_rcv_saddr;
      *(u32*)row->remote = sk->__sk_common.skc_daddr;
    } else {
      bpf_probe_read_kernel(row->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
      bpf_probe_read_kernel(row->remote, 16, &sk->__sk_common.skc_v6_daddr);
    }
    /* a raw socket's number is its protocol */
    if (row->type == SOCK_RAW) row->local_port = 0;
    struct tcp_sock* tcp = (struct tcp_sock*)bpf_skc_to_tcp_sock(sk);
    if (tcp) {
      fill_tcp(row, tcp);
      return 0;
    }
  }
  if (row->family == AF_PACKET) {
    const struct packet_sock* packet = (const void*)sk;
    row->device = BPF_CORE_READ(packet, ifindex);
    row->protocol = __builtin_bswap16(BPF_CORE_READ(packet, num));
  }
  if (row->family == AF_NETLINK) {
    const struct netlink_sock* netlink = (const void*)sk;
    ((u32*)row->local)[1] = BPF_CORE_READ(netlink, portid);
    ((u32*)row->remote)[1] = BPF_CORE_READ(netlink, dst_portid);
  }
  if (row->family == AF_VSOCK) fill_vsock(row, (const void*)sk);
  fill_queues_by_memory(row, sk);
  return 0;
}
