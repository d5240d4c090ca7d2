// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Follows the descriptors of chosen processes and keeps the ledger of them in the kernel. Hooks:
// the exit of system calls (nothing else sees every way into a table on a kernel that offers
// neither fentry nor kprobes), fork, exec, exit, io_uring's completions, TCP's changes of state;
// and the iterator over open files, which puts the ledger right. Each kind that is no descriptor
// has a file kind_NAME.h, whose programs are loaded where it is asked for. A program that is not
// traced pays for one look into a table of calls.
#include "detect/source/bpf/kind_child.h"
#include "detect/source/bpf/kind_heap.h"
#include "detect/source/bpf/kind_pair.h"
#include "detect/source/bpf/kind_probe.h"
#include "detect/source/bpf/kind_thread.h"
#include "detect/source/bpf/trace_core.h"
#include "detect/source/bpf/trace_hooks.h"
#include "detect/source/bpf/trace_refusals.h"
#include "detect/source/bpf/trace_survey.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
