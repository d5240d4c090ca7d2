// SPDX-License-Identifier: Apache-2.0
// Hands reduced types to libbpf.
#include "detect/source/bpf_types.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

#include "detect/source/kernel_types.h"

namespace plumb::detect {
namespace {

constexpr std::string_view kIterator = "iter/";

// SEC("iter/task") hangs on the function bpf_iter_task (DEFINE_BPF_ITER_FUNC, linux/bpf.h).
std::string target_of(std::string_view section) {
  return "bpf_iter_" + std::string(section.substr(kIterator.size()));
}

}  // namespace

bool BpfTypes::find(const bpf_object& object) {
  const btf* own = bpf_object__btf(&object);
  if (own == nullptr) return false;
  __u32 size = 0;
  const auto* bytes = static_cast<const std::byte*>(btf__raw_data(own, &size));
  if (bytes == nullptr) return false;
  auto wanted = wanted_types({bytes, size});
  if (!wanted) return false;
  const bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(&object, const_cast<bpf_program*>(program))) !=
         nullptr) {
    const std::string_view section = bpf_program__section_name(program);
    if (section.starts_with(kIterator)) wanted->functions.insert(target_of(section));
  }
  auto types = reduced_kernel_types(*wanted);
  if (!types) return false;
  UniqueFd file(::memfd_create("btf", MFD_CLOEXEC));
  const auto length = static_cast<ssize_t>(types->btf.size());
  if (!file || ::write(file.get(), types->btf.data(), types->btf.size()) != length) return false;
  file_ = std::move(file);
  path_ = "/proc/self/fd/" + std::to_string(file_.get());
  functions_ = std::move(types->functions);
  if (functions_.size() == wanted->functions.size()) answer_for_iterators();
  return true;
}

// libbpf reads all the kernel's types (10 ms) for every program of the tracing kind, to find the
// function that it hangs on. So the iterators are of another kind until the moment at which they
// are loaded, when their handler makes them what they are and says which function it is.
void BpfTypes::answer_for_iterators() {
  // libbpf before 1.3 frees its table when the last handler goes, and keeps the pointer: the next
  // registration would free it again. One that answers for nothing stays as long as the process.
  static const int placeholder =
      libbpf_register_prog_handler("plumb/none", BPF_PROG_TYPE_TRACEPOINT, {}, nullptr);
  if (placeholder < 0) return;  // libbpf looks by itself
  libbpf_prog_handler_opts options{};
  options.sz = sizeof options;
  options.cookie = reinterpret_cast<long>(this);
  options.prog_prepare_load_fn = prepare;
  handler_ = libbpf_register_prog_handler(kIterator.data(), BPF_PROG_TYPE_TRACEPOINT,
                                          BPF_TRACE_ITER, &options);
}

int BpfTypes::prepare(bpf_program* program, bpf_prog_load_opts* options, long self) {
  const auto& functions = reinterpret_cast<const BpfTypes*>(self)->functions_;
  const auto found = functions.find(target_of(bpf_program__section_name(program)));
  if (found == functions.end()) return -ESRCH;
  options->attach_btf_id = found->second;
  // This also makes libbpf forget the handler, which does not outlive us.
  return bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
}

BpfTypes::~BpfTypes() {
  if (handler_ >= 0) libbpf_unregister_prog_handler(handler_);
}

}  // namespace plumb::detect
