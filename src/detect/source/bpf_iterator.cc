// SPDX-License-Identifier: Apache-2.0
// Runs a BPF iterator.
#include "detect/source/bpf_iterator.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "detect/source/bpf_support.h"
#include "plumb/base/unique_fd.h"

namespace plumb::detect {
namespace {

// The iterator's own buffer is 8 pages, and one read gives at most that much, in whole rows if it
// all fits. 256 KiB of ours make a batch that stays in the processor's second cache.
constexpr std::size_t kIteratorBuffer = std::size_t{32} << 10;
constexpr std::size_t kBatch = std::size_t{256} << 10;

}  // namespace

Result<void> run_iterator(bpf_program& program, const IteratorScope& scope,
                          const std::function<void(std::span<const std::byte>)>& take) {
  const BpfLog log;
  const char* name = bpf_program__name(&program);
  bpf_iter_link_info info{};
  bpf_iter_attach_opts options{};
  options.sz = sizeof options;
  if (scope.process) {
    info.task.pid = static_cast<__u32>(number(*scope.process));
    options.link_info = &info;
    options.link_info_len = sizeof info;
  }
  const BpfLink link(bpf_program__attach_iter(&program, &options));
  if (!link) return bpf_failure("attach iterator", name, errno, log);
  const UniqueFd file(bpf_iter_create(bpf_link__fd(link.get())));
  if (!file) return bpf_failure("create iterator", name, errno, log);

  std::vector<std::byte> batch(kBatch);
  std::size_t filled = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), batch.data() + filled, batch.size() - filled);
    // EAGAIN: a million objects went by without a row (bpf_seq_read, MAX_ITER_OBJECTS).
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    const int error = got < 0 ? errno : 0;
    if (got > 0) filled += static_cast<std::size_t>(got);
    if (got <= 0 || batch.size() - filled < kIteratorBuffer) {
      take(std::span(batch).first(filled));
      filled = 0;
    }
    if (error != 0) return fail("read iterator", name, error);
    if (got == 0) return {};
  }
}

}  // namespace plumb::detect
