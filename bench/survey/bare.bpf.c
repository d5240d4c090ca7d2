/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* An iterator over all descriptors that says of each no more than that it is there. */
#include "detect/source/bpf/survey_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("iter/task_file")
int bare_files(struct bpf_iter__task_file* ctx) {
  const u64 file = (u64)ctx->file;
  if (file) bpf_seq_write(ctx->meta->seq, &file, sizeof file);
  return 0;
}
