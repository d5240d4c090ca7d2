// SPDX-License-Identifier: Apache-2.0
// Runs the bare iterator once and prints the seconds that the pass took, without loading it, and
// how many descriptors it saw.
#include <bare.skel.h>
#include <bpf/bpf.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <vector>

int main() {
  bare_bpf* object = bare_bpf::open_and_load();
  if (object == nullptr) return 3;
  const auto begin = std::chrono::steady_clock::now();
  bpf_link* link = bpf_program__attach(object->progs.bare_files);
  const int file = link == nullptr ? -1 : bpf_iter_create(bpf_link__fd(link));
  if (file < 0) return 3;
  std::vector<char> buffer(std::size_t{32} << 10);
  std::size_t bytes = 0;
  ssize_t got = 0;
  while ((got = ::read(file, buffer.data(), buffer.size())) > 0) {
    bytes += static_cast<std::size_t>(got);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.6f %zu\n", took.count(), bytes / 8);
  ::close(file);
  bpf_link__destroy(link);
  bare_bpf::destroy(object);
  return got < 0 ? 3 : 0;
}
