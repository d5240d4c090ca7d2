// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Follows the descriptors of chosen processes and keeps the ledger of them in the kernel. Hooks:
// the exit of system calls (nothing else sees every way into a table on a kernel that offers
// neither fentry nor kprobes), fork, exec, exit, io_uring's completions; and the iterator over open
// files, which puts the ledger right. A program that is not traced pays for one look into a table
// of calls.
#include "detect/source/bpf/trace_core.h"
#include "detect/source/bpf/trace_hooks.h"
#include "detect/source/bpf/trace_survey.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
