// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Captures what chosen processes send and receive on their stream sockets, as far as it may be
// HTTP: at the exit of the system calls that move bytes (a result tells how many), with the time of
// a sending call's entry, so that an answer never comes before its question. A process that is not
// chosen pays for one look into a table.
#include "detect/source/bpf/capture_calls.h"
#include "detect/source/bpf/capture_core.h"
#include "detect/source/bpf/capture_tls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
