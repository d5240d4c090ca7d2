/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What the capturing programs write and capture_source.cc reads: fixed widths, explicit padding,
 * the machine's byte order. Both sides include this file and check the sizes. */
#pragma once

#ifdef __bpf__
typedef __u8 capture_u8;
typedef __u16 capture_u16;
typedef __u32 capture_u32;
typedef __s32 capture_s32;
typedef __u64 capture_u64;
#define CAPTURE_STATIC_ASSERT _Static_assert
#else
#include <cstdint>
typedef std::uint8_t capture_u8;
typedef std::uint16_t capture_u16;
typedef std::uint32_t capture_u32;
typedef std::int32_t capture_s32;
typedef std::uint64_t capture_u64;
#define CAPTURE_STATIC_ASSERT static_assert
#endif

/* Of each call's bytes so many from the front are kept, and so many from the end where there are
 * more: the last chunk of a chunked body is five bytes. */
#define CAPTURE_FRONT 4096
#define CAPTURE_TAIL 16
/* Of a connection that is not looked at for want of time so many bytes of each side's last message
 * are kept, so that it can be told of when it stalls. */
#define CAPTURE_RECORDED 512
#define CAPTURE_TARGETS 16384
#define CAPTURE_SOCKETS 262144

enum capture_what {
  CAPTURE_DATA = 1,
  CAPTURE_PEER_ENDED = 2, /* a read came to the end, or the connection broke */
  CAPTURE_SHUT = 3,       /* the process said that it will send no more */
  CAPTURE_CLOSED = 4,     /* the last descriptor of the socket was closed */
  CAPTURE_EXIT = 5,       /* the process ended */
  CAPTURE_STARTED = 6,    /* the process executed a program */
  CAPTURE_FORKED = 7,     /* the process was made, by one that is followed */
};

/* bits of capture_event and of capture_socket */
#define CAPTURE_SENT 1      /* the process sent it; else it received it */
#define CAPTURE_LATE 2      /* the connection was there before the capture */
#define CAPTURE_CALLED 4    /* its process called connect(2) */
#define CAPTURE_ACCEPTED 8  /* its process called accept(2) */
#define CAPTURE_TLS 16      /* the bytes are what a TLS library was given, or gave */
#define CAPTURE_HTTP 32     /* something that begins like a message was seen */
#define CAPTURE_OTHER 64    /* its beginning was something else */
#define CAPTURE_SKIPPED 128 /* too many exchanges: this one goes to the recorder alone */
#define CAPTURE_SPOKE 512   /* of one that is passed over: its process sent last */
#define CAPTURE_LISTED 256  /* its process had it when it was chosen; nothing else is known */

struct capture_event {
  capture_u64 time;   /* ns since boot: of what was sent when the call began, else when it ended */
  capture_u64 socket; /* inode number: sockets do not share one while they live */
  capture_u64 lost;   /* bytes of this direction before these that found no room */
  capture_u64 total;  /* bytes that the call moved */
  capture_s32 pid;
  capture_s32 fd;
  capture_u32 front; /* bytes that follow from the front */
  capture_u32 tail;  /* bytes that follow from the end */
  capture_u16 family;
  capture_u16 local_port; /* host order */
  capture_u16 remote_port;
  capture_u8 what;
  capture_u8 bits;
  capture_u8 local[16]; /* IPv4 stands in the first four */
  capture_u8 remote[16];
  capture_u8 comm[16];
};
CAPTURE_STATIC_ASSERT(sizeof(struct capture_event) == 104, "no hidden padding");

/* How far a TCP socket was followed, by its own sequence numbers. */
struct capture_counts {
  capture_u64 answered;    /* when something was first received after ... */
  capture_u32 answered_at; /* ... so much was sent */
  capture_u32 place[2];    /* up to where was seen, received and sent */
  capture_u32 padding;
};

/* What the kernel remembers of a socket. `lost` is counted up to the next event that gets through;
 * whoever asks about a quiet connection has to look here. */
struct capture_socket {
  capture_u64 lost[2]; /* received, sent */
  capture_u64 tls;     /* the TLS session that it carries; 0: none */
  capture_u64 met;     /* when it was first seen; 0: before the capture */
  capture_u64 ringed;  /* when io_uring sent something last */
  struct capture_counts counts;
  capture_u32 bits;
  capture_s32 pid; /* who used it last */
  capture_s32 fd;
  capture_u32 padding;
};
CAPTURE_STATIC_ASSERT(sizeof(struct capture_socket) == 80, "no hidden padding");

struct capture_recorded {
  struct capture_event event; /* `total` goes on counting behind `front` */
  capture_u8 front[CAPTURE_RECORDED];
  capture_u8 tail[CAPTURE_TAIL];
};
struct capture_recorder {
  struct capture_recorded way[2]; /* received, sent */
};
CAPTURE_STATIC_ASSERT(sizeof(struct capture_recorder) == 1264, "no hidden padding");

/* A TCP socket that is passed over, or was: its recorder is what look_over() hands out. */
struct capture_passing {
  struct capture_counts counts;
  capture_u64 lost[2];
  capture_u32 bits;
  capture_u32 passes; /* it is passed over now, and what is known of it is here */
  struct capture_recorder recorder;
};
CAPTURE_STATIC_ASSERT(sizeof(struct capture_passing) == 1312, "no hidden padding");

/* How many pieces may still be looked at, on each processor. */
struct capture_budget {
  capture_u64 since;
  capture_u64 left;
  capture_u64 skips; /* exchanges that went to the recorder alone */
};

enum capture_loss {
  CAPTURE_LOST_EVENTS,   /* the ring was full */
  CAPTURE_LOST_SOCKETS,  /* no room to remember a socket */
  CAPTURE_LOST_TARGETS,  /* children that are not followed */
  CAPTURE_LOST_SESSIONS, /* calls of a TLS library on a connection that is not known */
  CAPTURE_UNREADABLE,    /* moves of bytes that cannot be read: io_uring, 32-bit processes */
  CAPTURE_LOSSES,
};
