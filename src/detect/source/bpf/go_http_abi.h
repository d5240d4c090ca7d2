/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the probes of Go's HTTP client leave in their maps; read by C++ and by the programs. */
#ifndef PLUMB_GO_HTTP_ABI_H
#define PLUMB_GO_HTTP_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
namespace plumb::detect::abi {
#endif

enum {
  kGoFrames = 64,
  kGoMethod = 16,
  kGoScheme = 8,
  kGoHost = 128,
  kGoPath = 256,
  kGoQuery = 256,
  kGoRequests = 65536,
};

/* One request under way; the key is the address of its connection or stream. */
struct go_request {
  __u64 sent; /* CLOCK_BOOTTIME, ns; 0: the connection is idle */
  __u64 goroutine;
  __u64 stack[kGoFrames]; /* return addresses, innermost first; 0 ends it */
  __u32 method_length;    /* as the program has them, which may be more than was taken */
  __u32 scheme_length;
  __u32 host_length;
  __u32 path_length;
  __u32 query_length;
  __u8 http2;
  __u8 unread; /* a part of it could not be read */
  __u8 padding[2];
  char method[kGoMethod];
  char scheme[kGoScheme];
  char host[kGoHost];
  char path[kGoPath];
  char query[kGoQuery];
};

#ifdef __cplusplus
static_assert(sizeof(go_request) ==
              16 + 8 * kGoFrames + 24 + kGoMethod + kGoScheme + kGoHost + kGoPath + kGoQuery);
}  // namespace plumb::detect::abi
#else
_Static_assert(sizeof(struct go_request) ==
                   16 + 8 * kGoFrames + 24 + kGoMethod + kGoScheme + kGoHost + kGoPath + kGoQuery,
               "no hidden padding");
#endif

#endif
