// SPDX-License-Identifier: Apache-2.0
// Loading, attaching and reading of the tracing programs.
#include "detect/source/trace_source.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <unordered_set>

#include "detect/source/bpf/trace_abi.h"
#include "detect/source/bpf_iterator.h"
#include "detect/source/bpf_support.h"
#include "detect/source/pair_probes.h"
#include "detect/source/resource_ledger.h"
#include "detect/source/trace_decode.h"
#include "trace.skel.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kBatch = 4096;
// Up to so many targets each gets an iterator of its own, at 60 us; beyond, one looks at the whole
// machine, at 0.1 s for 200,000 descriptors.
constexpr std::size_t kFewTargets = 64;

// Whether the kernel's BTF tells of a function; 10 ms.
bool kernel_has_function(const char* name) {
  const std::unique_ptr<btf, decltype(&btf__free)> kernel(btf__load_vmlinux_btf(), btf__free);
  return kernel && btf__find_by_name_kind(kernel.get(), name, BTF_KIND_FUNC) > 0;
}

struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

class BpfTrace : public TraceSource {
 public:
  static Result<std::unique_ptr<TraceSource>> open(const TraceOptions& options);
  ~BpfTrace() override;

  Result<void> follow(Pid process) override;
  Result<void> poll(std::chrono::milliseconds timeout,
                    const std::function<void(TraceEvent)>& take) override;
  int wait_descriptor() const override { return ring_buffer__epoll_fd(ring_.get()); }
  Result<void> teach(SpaceId space, Address address, const WalkRule& rule) override;
  void unteach(SpaceId space, std::span<const Address> addresses) override;
  Result<void> teach_python(SpaceId space, Address runtime, const PythonLayout& layout) override;
  void unteach_python(SpaceId space) override;
  Result<void> teach_v8(SpaceId space, const V8FrameLayout& layout) override;
  void unteach_v8(SpaceId space) override;
  Result<void> reconcile(const Visit& visit) override;
  Result<void> read(const Visit& visit) override;
  Result<std::vector<LiveHolding>> take_resources(Pid process) override;
  std::span<const OriginCount> counts() const override {
    return {counts_, std::min<std::size_t>(skeleton_->data->next_origin, abi::kTraceOrigins)};
  }
  std::vector<Refusals> refusals() const override;
  TraceLosses losses() const override;
  TraceRepairs repairs() const override;
  Result<void> watch(const PairPlace& place) override { return pairs_.watch(place); }
  Result<void> watch_own(const std::string& path) override { return pairs_.watch_own(path); }
  Result<void> watch_sampler(const std::string& path) override {
    return pairs_.watch_sampler(path);
  }
  Result<void> watch_heap(const HeapPlace& place) override { return pairs_.watch_heap(place); }
  std::map<Kind, std::string> told_kinds() const override { return pairs_.told(); }

 private:
  explicit BpfTrace(BpfSkeleton<trace_bpf> skeleton) : skeleton_(std::move(skeleton)) {}
  Result<void> attach_all();
  template <typename Layout>
  Result<void> teach(bpf_map& map, SpaceId space, const Layout& layout, std::uint32_t& spaces,
                     const char* interpreter);
  void unteach(bpf_map& map, SpaceId space, std::uint32_t& spaces);
  Result<void> survey();
  Result<void> iterate(bpf_program* program, std::optional<Pid> only);
  Result<std::vector<Pid>> targets() const;
  bool forget(const abi::trace_holding_key& key, const abi::trace_holding& holding);
  Result<void> each_row(
      const std::function<void(const abi::trace_holding_key&, const abi::trace_holding&)>& take);
  Result<void> visit_rows(const Visit& visit, std::uint32_t survey);
  static int on_event(void* self, void* data, std::size_t size);

  BpfSkeleton<trace_bpf> skeleton_;
  ResourceLedger resources_{*skeleton_};
  PairProbes pairs_{*skeleton_};
  std::vector<BpfLink> links_;
  std::unique_ptr<ring_buffer, RingDeleter> ring_;
  const OriginCount* counts_ = nullptr;
  const std::function<void(TraceEvent)>* take_ = nullptr;
  bool descriptors_ = true;
  BootTime survey_began_{};
  std::uint64_t gone_ = 0;
  std::vector<abi::trace_holding_key> keys_;
  std::vector<abi::trace_holding> values_;
};

static_assert(sizeof(OriginCount) == sizeof(abi::trace_count));

Result<std::unique_ptr<TraceSource>> BpfTrace::open(const TraceOptions& options) {
  auto opened = open_skeleton<trace_bpf>("trace");
  if (!opened) return std::move(opened).error();
  std::unique_ptr<BpfTrace> trace(new BpfTrace(*std::move(opened)));
  trace_bpf& skeleton = *trace->skeleton_;
  skeleton.rodata->follow_children = options.follow_children;
  skeleton.rodata->keep_closers = options.keep_closers;
  skeleton.rodata->direct_reads = kernel_has_function("bpf_rdonly_cast");
  trace->descriptors_ = options.descriptors;
  for (bpf_program* program :
       {skeleton.progs.on_sys_exit, skeleton.progs.on_io_uring, skeleton.progs.on_tcp_state}) {
    bpf_program__set_autoload(program, options.descriptors);
  }
  bpf_map__set_max_entries(skeleton.maps.holdings, options.descriptors ? options.holdings : 1);
  skeleton.rodata->most_origins = std::min<std::uint32_t>(options.stacks, abi::kTraceOrigins);
  bpf_map__set_max_entries(skeleton.maps.rules, options.addresses);
  trace->resources_.choose(options.resources, options.holdings);
  if (options.descriptors) {
    bpf_program__set_autoload(skeleton.progs.mapping__on_sys_exit, false);
    skeleton.rodata->mappings_too = std::ranges::count(options.resources, Kind::kMapping) > 0;
  }
  skeleton.rodata->returns_watched = std::ranges::any_of(
      options.resources, [](Kind kind) { return kind == Kind::kPair || kind == Kind::kHeap; });
  skeleton.rodata->heap_mean = options.heap_mean;
  if (auto loaded = load_skeleton(skeleton, "trace"); !loaded) return std::move(loaded).error();

  const std::size_t size = sizeof(abi::trace_count) * abi::kTraceOrigins;
  void* counts = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, bpf_map__fd(skeleton.maps.counts), 0);
  if (counts == MAP_FAILED) return fail("mmap", "counts of the trace", errno);
  trace->counts_ = static_cast<const OriginCount*>(counts);

  trace->ring_.reset(
      ring_buffer__new(bpf_map__fd(skeleton.maps.events), on_event, trace.get(), nullptr));
  if (!trace->ring_) return fail("ring_buffer__new", "events of the trace", errno);
  if (auto attached = trace->attach_all(); !attached) return std::move(attached).error();
  return std::unique_ptr<TraceSource>(std::move(trace));
}

BpfTrace::~BpfTrace() {
  if (counts_ != nullptr) {
    ::munmap(const_cast<OriginCount*>(counts_), sizeof(abi::trace_count) * abi::kTraceOrigins);
  }
}

Result<void> BpfTrace::attach_all() {
  auto& programs = skeleton_->progs;
  std::vector<bpf_program*> needed{programs.on_fork, programs.on_exec, programs.on_exit};
  if (descriptors_) needed.push_back(programs.on_sys_exit);
  for (bpf_program* program : needed) {
    auto link = attach(*program);
    if (!link) return std::move(link).error();
    links_.push_back(*std::move(link));
  }
  // A kernel without io_uring has no such hook and no such descriptors; one without TCP's no
  // refusals.
  if (descriptors_) {
    for (bpf_program* program : {programs.on_io_uring, programs.on_tcp_state}) {
      if (auto link = attach(*program)) links_.push_back(*std::move(link));
    }
  }
  return resources_.attach(links_);
}

// The programs keep what they see in maps and write nothing.
Result<void> BpfTrace::iterate(bpf_program* program, std::optional<Pid> only) {
  return run_iterator(*program, only, [](std::span<const std::byte>) {});
}

Result<void> BpfTrace::follow(Pid process) {
  const int pid = number(process);
  if (auto done = iterate(skeleton_->progs.follow, process); !done) {
    const int code = done.error().code;
    if (code != ESRCH && code != EINVAL) return done;
  }
  abi::trace_target target{};
  if (bpf_map__lookup_elem(skeleton_->maps.targets, &pid, sizeof(pid), &target, sizeof(target),
                           0) != 0) {
    return fail("trace", "process " + std::to_string(pid), ESRCH);
  }
  return {};
}

int BpfTrace::on_event(void* self, void* data, std::size_t size) {
  auto* trace = static_cast<BpfTrace*>(self);
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data), size);
  if (auto event = decode(bytes)) (*trace->take_)(*std::move(event));
  return 0;
}

Result<void> BpfTrace::poll(std::chrono::milliseconds timeout,
                            const std::function<void(TraceEvent)>& take) {
  take_ = &take;
  // Without waiting all that was submitted is taken, whether epoll has heard of it or not.
  const int got = timeout.count() == 0
                      ? ring_buffer__consume(ring_.get())
                      : ring_buffer__poll(ring_.get(), static_cast<int>(timeout.count()));
  take_ = nullptr;
  if (got < 0 && got != -EINTR) return fail("ring_buffer__poll", "events of the trace", -got);
  return {};
}

Result<void> BpfTrace::teach(SpaceId space, Address address, const WalkRule& rule) {
  const std::uint64_t key = PLUMB_RULE_KEY(number(space), number(address));
  const abi::trace_rule value{rule.cfa_offset, rule.bp_offset, static_cast<std::uint8_t>(rule.kind),
                              static_cast<std::uint8_t>(rule.bare)};
  if (bpf_map__update_elem(skeleton_->maps.rules, &key, sizeof(key), &value, sizeof(value),
                           BPF_ANY) != 0) {
    return fail("add", "unwind rule", errno);
  }
  return {};
}

void BpfTrace::unteach(SpaceId space, std::span<const Address> addresses) {
  for (const Address address : addresses) {
    const std::uint64_t key = PLUMB_RULE_KEY(number(space), number(address));
    bpf_map__delete_elem(skeleton_->maps.rules, &key, sizeof(key), 0);
  }
  // After the rules: a walk that still used them is kept under the older number.
  if (!addresses.empty()) ++skeleton_->bss->rules_generation;
}

// How an interpreter is laid out that runs in an address space, one of `spaces`.
template <typename Layout>
Result<void> BpfTrace::teach(bpf_map& map, SpaceId space, const Layout& layout,
                             std::uint32_t& spaces, const char* interpreter) {
  const std::uint32_t key = number(space);
  if (bpf_map__update_elem(&map, &key, sizeof(key), &layout, sizeof(layout), BPF_NOEXIST) != 0) {
    return fail("add", interpreter, errno);
  }
  ++spaces;
  ++skeleton_->bss->rules_generation;  // what is known of its stacks is known without these frames
  return {};
}

void BpfTrace::unteach(bpf_map& map, SpaceId space, std::uint32_t& spaces) {
  const std::uint32_t key = number(space);
  if (bpf_map__delete_elem(&map, &key, sizeof(key), 0) == 0) --spaces;
}

Result<void> BpfTrace::teach_python(SpaceId space, Address runtime, const PythonLayout& layout) {
  const abi::trace_python value{
      .interpreters = number(runtime + layout.runtime_interpreters_head),
      .interpreter_next = layout.interpreter_next,
      .interpreter_threads_head = layout.interpreter_threads_head,
      .thread_next = layout.thread_next,
      .thread_native_id = layout.thread_native_id,
      .thread_cframe = layout.thread_cframe,
      .cframe_current_frame = layout.cframe_current_frame,
      .frame_code = layout.frame_code,
      .frame_previous = layout.frame_previous,
      .frame_prev_instr = layout.frame_prev_instr,
      .frame_is_entry = layout.frame_is_entry,
  };
  return teach(*skeleton_->maps.pythons, space, value, skeleton_->bss->python_spaces,
               "Python interpreter");
}

void BpfTrace::unteach_python(SpaceId space) {
  unteach(*skeleton_->maps.pythons, space, skeleton_->bss->python_spaces);
}

Result<void> BpfTrace::teach_v8(SpaceId space, const V8FrameLayout& layout) {
  const abi::trace_v8 value{
      .frame_function = layout.frame_function,
      .frame_context = layout.frame_context,
      .function_shared = layout.function_shared,
      .shared_script = layout.shared_script,
      .shared_shape = layout.shared_shape,
      .shared_identity = layout.shared_identity,
      .object_map = layout.object_map,
      .map_type = layout.map_type,
      .shared_type = layout.shared_type,
      .pad = {},
  };
  return teach(*skeleton_->maps.v8s, space, value, skeleton_->bss->v8_spaces, "V8");
}

void BpfTrace::unteach_v8(SpaceId space) {
  unteach(*skeleton_->maps.v8s, space, skeleton_->bss->v8_spaces);
}

Result<std::vector<Pid>> BpfTrace::targets() const {
  std::vector<Pid> found;
  int key = 0;
  const int* previous = nullptr;
  while (bpf_map__get_next_key(skeleton_->maps.targets, previous, &key, sizeof(key)) == 0) {
    found.push_back(Pid{key});
    previous = &key;
    if (found.size() > abi::kTraceProcesses) break;  // it changes below us
  }
  return found;
}

Result<void> BpfTrace::survey() {
  ++skeleton_->bss->survey_number;
  survey_began_ = BootClock::now();
  if (!descriptors_) return {};
  const auto followed = targets();
  if (!followed) return followed.error();
  bpf_program* program = skeleton_->progs.survey_table;
  if (followed->size() > kFewTargets) return iterate(program, std::nullopt);
  for (const Pid pid : *followed) {
    auto done = iterate(program, pid);
    if (!done && done.error().code != ESRCH && done.error().code != EINVAL) return done;
  }
  return {};
}

bool BpfTrace::forget(const abi::trace_holding_key& key, const abi::trace_holding& holding) {
  abi::trace_forget what{key, holding.born};
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.ctx_in = &what;
  options.ctx_size_in = sizeof(what);
  const int program = bpf_program__fd(skeleton_->progs.forget);
  return bpf_prog_test_run_opts(program, &options) == 0 && options.retval == 1;
}

// Visits every row once. A row that comes or goes meanwhile may be seen or not.
Result<void> BpfTrace::each_row(
    const std::function<void(const abi::trace_holding_key&, const abi::trace_holding&)>& take) {
  const int map = bpf_map__fd(skeleton_->maps.holdings);
  keys_.resize(kBatch);
  values_.resize(kBatch);
  std::uint32_t cursor = 0;
  for (bool first = true;; first = false) {
    auto count = static_cast<std::uint32_t>(kBatch);
    const int got = bpf_map_lookup_batch(map, first ? nullptr : &cursor, &cursor, keys_.data(),
                                         values_.data(), &count, nullptr);
    if (got != 0 && errno != ENOENT) return fail("read", "ledger of the trace", errno);
    for (std::uint32_t i = 0; i < count; ++i) take(keys_[i], values_[i]);
    if (got != 0) return {};
  }
}

Result<void> BpfTrace::visit_rows(const Visit& visit, std::uint32_t survey) {
  const auto began = static_cast<std::uint64_t>(survey_began_.time_since_epoch().count());
  std::unordered_set<std::uint32_t> dead;
  for (const TableId table : visit.dead) dead.insert(number(table));
  std::vector<std::pair<abi::trace_holding_key, abi::trace_holding>> stale;
  // While the numbers of dead tables still lead to their processes.
  if (auto seen =
          resources_.visit(visit, survey == 0 ? std::nullopt : std::optional(survey_began_));
      !seen) {
    return seen;
  }
  auto done = each_row([&](const abi::trace_holding_key& key, const abi::trace_holding& holding) {
    const bool empty = holding.file == 0;
    const bool unseen = !empty && holding.seen < survey && holding.born < began;
    if (dead.contains(key.table) || unseen) {
      stale.emplace_back(key, holding);
    } else if (!empty && visit.live) {
      visit.live(to_fact(key, holding));
    }
  });
  for (const auto& [key, holding] : stale) {
    if (!forget(key, holding)) continue;
    if (!dead.contains(key.table)) {
      ++gone_;
    } else if (visit.at_end) {
      visit.at_end(to_fact(key, holding));
    }
  }
  for (const std::uint32_t table : dead) {
    bpf_map__delete_elem(skeleton_->maps.tables, &table, sizeof(table), 0);
  }
  return done;
}

Result<void> BpfTrace::reconcile(const Visit& visit) {
  if (auto done = survey(); !done) return done;
  return visit_rows(visit, skeleton_->bss->survey_number);
}

Result<void> BpfTrace::read(const Visit& visit) {
  return visit_rows(visit, 0);
}

std::vector<Refusals> BpfTrace::refusals() const {
  std::vector<Refusals> all;
  abi::trace_refuser key{};
  const abi::trace_refuser* previous = nullptr;
  const bpf_map* map = skeleton_->maps.refusals;
  while (all.size() < abi::kTraceRefusers &&
         bpf_map__get_next_key(map, previous, &key, sizeof(key)) == 0) {
    std::uint64_t count = 0;
    if (bpf_map__lookup_elem(map, &key, sizeof(key), &count, sizeof(count), 0) == 0) {
      all.push_back({Pid{key.pid}, static_cast<std::uint16_t>(key.port), count});
    }
    previous = &key;
  }
  return all;
}

Result<std::vector<LiveHolding>> BpfTrace::take_resources(Pid process) {
  const int pid = number(process);
  abi::trace_target target{};
  if (bpf_map__lookup_elem(skeleton_->maps.targets, &pid, sizeof(pid), &target, sizeof(target),
                           0) != 0) {
    return std::vector<LiveHolding>();
  }
  return resources_.take(TableId{target.table});
}

TraceLosses BpfTrace::losses() const {
  const auto& lost = skeleton_->bss->losses;
  TraceLosses losses;
  losses.holdings = lost[abi::kTraceLossHoldings];
  losses.stacks = lost[abi::kTraceLossStacks];
  losses.events = lost[abi::kTraceLossEvents];
  losses.processes = lost[abi::kTraceLossProcesses];
  for (const bpf_program* program : {skeleton_->progs.on_sys_exit, skeleton_->progs.on_fork,
                                     skeleton_->progs.on_exec, skeleton_->progs.on_exit}) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0) {
      losses.missed_runs += info.recursion_misses;
    }
  }
  return losses;
}

TraceRepairs BpfTrace::repairs() const {
  const auto& made = skeleton_->bss->repairs;
  return {.found = made[abi::kTraceRepairFound],
          .inherited = made[abi::kTraceRepairInherited],
          .replaced = made[abi::kTraceRepairReplaced],
          .gone = gone_ + resources_.gone()};
}

}  // namespace

Result<std::unique_ptr<TraceSource>> open_trace(const TraceOptions& options) {
  return BpfTrace::open(options);
}

}  // namespace plumb::detect
