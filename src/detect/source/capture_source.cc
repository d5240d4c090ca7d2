// SPDX-License-Identifier: Apache-2.0
// Loading, attaching and reading of the capturing programs.
#include "detect/source/capture_source.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "detect/source/bpf_iterator.h"
#include "detect/source/bpf_support.h"
#include "detect/source/capture_decode.h"
#include "detect/source/tls_probes.h"
#include "plumb/base/text.h"
// The skeleton needs the types of the object's data.
// clang-format off
#include "detect/source/bpf/capture_abi.h"
#include <capture.skel.h>
// clang-format on

namespace plumb::detect {
namespace {

struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

// Whether sockets tell what they move, whichever way it comes: sendfile goes through them since
// 2dc334f1a63a ("splice, net: Use sendmsg(MSG_SPLICE_PAGES) rather than ->sendpage()"), Linux 6.5.
bool sockets_tell() {
  const BpfLog log;
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  return types &&
         btf__find_by_name_kind(types.get(), "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) > 0 &&
         btf__find_by_name_kind(types.get(), "splice_to_socket", BTF_KIND_FUNC) > 0;
}

// Whether io_uring tells of a completion as ring, request and entry, which on_ring_done expects.
// Older kernels tell of it as seven values.
bool rings_tell() {
  const BpfLog log;
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  if (!types || btf__find_by_name_kind(types.get(), "io_sr_msg", BTF_KIND_STRUCT) <= 0) {
    return false;
  }
  const int hook =
      btf__find_by_name_kind(types.get(), "btf_trace_io_uring_complete", BTF_KIND_TYPEDEF);
  const btf_type* type =
      hook > 0 ? btf__type_by_id(types.get(), static_cast<__u32>(hook)) : nullptr;
  type = type ? btf__type_by_id(types.get(), type->type) : nullptr;  // a pointer to ...
  type = type ? btf__type_by_id(types.get(), type->type) : nullptr;  // ... a function
  constexpr int kOwnAndThree = 4;                                    // the first is the hook's own
  return type && btf_is_func_proto(type) && btf_vlen(type) == kOwnAndThree;
}

// What is kept of one direction of a connection that was passed over, as if it had been told of.
std::optional<CapturePiece> piece_of(const capture_recorded& way) {
  if (way.event.front == 0 || way.event.front > CAPTURE_RECORDED) return std::nullopt;
  std::vector<std::byte> bytes(sizeof way.event + way.event.front + CAPTURE_TAIL);
  std::byte* at = bytes.data();
  std::memcpy(at, &way.event, sizeof way.event);
  std::memcpy(at += sizeof way.event, way.front, way.event.front);
  std::memcpy(at + way.event.front, way.tail, CAPTURE_TAIL);
  return decode_capture(bytes);
}

class BpfCapture : public CaptureSource {
 public:
  static Result<std::unique_ptr<CaptureSource>> open(CaptureHooks hooks, FindTlsPlaces find);

  Result<void> follow(Pid process) override;
  std::vector<std::string> look_into_tls(std::span<const Pid> processes) override {
    return probes_.look_into(processes);
  }
  bool look_into_started(Pid process) override { return probes_.look_into_started(process); }
  void seen_from_now_on(Pid process) override;
  Result<void> look_into_go(std::optional<Pid> process, const std::string& image,
                            const GoTlsPlaces& places) override;
  Result<void> poll(std::chrono::milliseconds timeout,
                    const std::function<void(CapturePiece)>& take) override;
  int wait_descriptor() const override { return ring_buffer__epoll_fd(ring_.get()); }
  int news_descriptor() const override { return ring_buffer__epoll_fd(news_.get()); }
  void take_passed_over(std::chrono::nanoseconds quiet,
                        const std::function<void(CapturePiece)>& take) override;
  std::pair<std::uint64_t, std::uint64_t> lost_of(SocketInode socket) const override;
  CaptureLosses losses() const override;

 private:
  BpfCapture(BpfSkeleton<capture_bpf> object, FindTlsPlaces find)
      : object_(std::move(object)), probes_(*object_, std::move(find)) {}
  static int on_event(void* self, void* data, std::size_t size);
  void list_sockets(Pid process);
  std::uint64_t passed_over() const;

  BpfSkeleton<capture_bpf> object_;
  std::vector<BpfLink> links_;
  TlsProbes probes_;
  std::unique_ptr<ring_buffer, RingDeleter> ring_;
  std::unique_ptr<ring_buffer, RingDeleter> news_;
  const std::function<void(CapturePiece)>* take_ = nullptr;
  std::uint64_t broken_ = 0;
  bool by_sockets_ = false;
  bool closes_ = false;  // the end of unix sockets is looked for
};

Result<std::unique_ptr<CaptureSource>> BpfCapture::open(CaptureHooks hooks, FindTlsPlaces find) {
  auto opened = open_skeleton<capture_bpf>("capture");
  if (!opened) return std::move(opened).error();
  std::unique_ptr<BpfCapture> capture(new BpfCapture(*std::move(opened), std::move(find)));
  capture_bpf& object = *capture->object_;
  capture->by_sockets_ = hooks == CaptureHooks::kBest && sockets_tell();
  capture->closes_ = !capture->by_sockets_;
  object.rodata->by_sockets = capture->by_sockets_;
  auto& programs = object.progs;
  std::vector<bpf_program*> hooked = {programs.on_fork, programs.on_exec, programs.on_exit};
  const std::array<bpf_program*, 3> of_sockets = {programs.on_sent, programs.on_received,
                                                  programs.on_state};
  const std::array<bpf_program*, 3> of_rings = {programs.on_ring_asked, programs.on_ring_armed,
                                                programs.on_ring_done};
  if (capture->by_sockets_) {
    hooked.insert(hooked.end(), of_sockets.begin(), of_sockets.end());
    object.rodata->rings_tell = rings_tell();
  } else {
    hooked.insert(hooked.end(), {programs.on_sys_enter, programs.on_sys_exit});
    for (bpf_program* program : of_sockets) bpf_program__set_autoload(program, false);
    bpf_program__set_autoload(programs.look_over, false);
  }
  if (object.rodata->rings_tell) hooked.insert(hooked.end(), of_rings.begin(), of_rings.end());
  for (bpf_program* program : of_rings) {
    bpf_program__set_autoload(program, object.rodata->rings_tell != 0);
  }
  if (auto loaded = load_skeleton(object, "capture"); !loaded) return std::move(loaded).error();
  capture->ring_.reset(
      ring_buffer__new(bpf_map__fd(object.maps.events), on_event, capture.get(), nullptr));
  if (!capture->ring_) return fail("ring_buffer__new", "events of the capture", errno);
  capture->news_.reset(
      ring_buffer__new(bpf_map__fd(object.maps.news), on_event, capture.get(), nullptr));
  if (!capture->news_) return fail("ring_buffer__new", "news of the capture", errno);
  for (bpf_program* program : hooked) {
    auto link = attach(*program);
    if (!link) return std::move(link).error();
    capture->links_.push_back(*std::move(link));
  }
  return std::unique_ptr<CaptureSource>(std::move(capture));
}

Result<void> BpfCapture::follow(Pid process) {
  const int pid = number(process);
  const std::uint64_t since = 0;
  if (bpf_map__update_elem(object_->maps.targets, &pid, sizeof pid, &since, sizeof since,
                           BPF_ANY) != 0) {
    return fail("capture", "process " + std::to_string(pid), errno, "choose fewer processes");
  }
  std::atomic_ref(object_->bss->targets_change).fetch_add(1);
  if (by_sockets_) list_sockets(process);
  return {};
}

// A unix socket does not tell whether something passed over it before.
void BpfCapture::list_sockets(Pid process) {
  constexpr std::string_view kSocket = "socket:[";
  const capture_socket found{.lost = {},
                             .tls = 0,
                             .met = 0,
                             .ringed = 0,
                             .counts = {},
                             .bits = CAPTURE_LATE | CAPTURE_LISTED,
                             .pid = 0,
                             .fd = -1,
                             .padding = 0};
  std::error_code gone;
  const std::string folder = "/proc/" + std::to_string(number(process)) + "/fd";
  std::filesystem::directory_iterator entry(folder, gone);
  for (; !gone && entry != std::filesystem::directory_iterator(); entry.increment(gone)) {
    std::error_code unreadable;
    const std::string target = std::filesystem::read_symlink(entry->path(), unreadable).string();
    if (!target.starts_with(kSocket)) continue;
    const auto inode = parse_number<std::uint64_t>(
        std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1));
    if (!inode) continue;
    bpf_map__update_elem(object_->maps.sockets, &*inode, sizeof *inode, &found, sizeof found,
                         BPF_NOEXIST);
  }
}

void BpfCapture::seen_from_now_on(Pid process) {
  const int pid = number(process);
  const auto since = static_cast<std::uint64_t>(BootClock::now().time_since_epoch().count());
  // One that has ended meanwhile is not there any more.
  bpf_map__update_elem(object_->maps.targets, &pid, sizeof pid, &since, sizeof since, BPF_EXIST);
}

Result<void> BpfCapture::look_into_go(std::optional<Pid> process, const std::string& image,
                                      const GoTlsPlaces& places) {
  auto& programs = object_->progs;
  // Ends before beginnings: whoever is found reading must be sure to be told of.
  std::vector<std::pair<bpf_program*, std::uint64_t>> wanted;
  if (places.copied != 0) wanted.emplace_back(programs.go_tls_read_copied, places.copied);
  for (const std::uint64_t at : places.reads) wanted.emplace_back(programs.go_tls_read_done, at);
  wanted.emplace_back(programs.go_tls_read, places.read);
  wanted.emplace_back(programs.go_tls_write, places.write);
  object_->bss->tls_armed = 1;
  for (const auto& [program, at] : wanted) {
    const BpfLog log;
    BpfLink link(bpf_program__attach_uprobe(program, false, process ? number(*process) : -1,
                                            image.c_str(), at));
    if (!link) return bpf_failure("attach", bpf_program__name(program), errno, log);
    links_.push_back(std::move(link));
  }
  return {};
}

int BpfCapture::on_event(void* self, void* data, std::size_t size) {
  auto* capture = static_cast<BpfCapture*>(self);
  auto piece = decode_capture({static_cast<const std::byte*>(data), size});
  if (!piece) {
    ++capture->broken_;
  } else {
    (*capture->take_)(*std::move(piece));
  }
  return 0;
}

Result<void> BpfCapture::poll(std::chrono::milliseconds timeout,
                              const std::function<void(CapturePiece)>& take) {
  take_ = &take;
  (void)ring_buffer__consume(news_.get());  // what it could not read comes next time
  const int got = ring_buffer__poll(ring_.get(), static_cast<int>(timeout.count()));
  take_ = nullptr;
  if (!closes_ && object_->bss->unix_http != 0) {
    closes_ = true;
    if (auto link = attach(*object_->progs.on_sys_enter)) links_.push_back(*std::move(link));
  }
  if (got < 0 && got != -EINTR) return fail("ring_buffer__poll", "events of the capture", -got);
  return {};
}

void BpfCapture::take_passed_over(std::chrono::nanoseconds quiet,
                                  const std::function<void(CapturePiece)>& take) {
  constexpr std::uint64_t kAtOnce = 512;  // while the capture goes on
  const auto now = BootClock::now().time_since_epoch();
  auto& bounds = *object_->bss;
  bounds.hand_out_since = static_cast<std::uint64_t>((now - quiet).count());
  bounds.hand_out_left = quiet.count() == 0 ? UINT64_MAX : kAtOnce;
  bounds.last_look = quiet.count() == 0 ? 1 : 0;
  std::vector<CapturePiece> pieces;
  const TakeRows take_rows = [&](std::span<const std::byte> rows) {
    for (; rows.size() >= sizeof(capture_recorder); rows = rows.subspan(sizeof(capture_recorder))) {
      capture_recorder recorder;
      std::memcpy(&recorder, rows.data(), sizeof recorder);
      for (const capture_recorded& way : recorder.way) {
        if (auto piece = piece_of(way)) pieces.push_back(*std::move(piece));
      }
    }
  };
  // What is not handed out now stays where it is.
  auto& maps = object_->maps;
  auto& programs = object_->progs;
  if (by_sockets_) {
    (void)run_map_iterator(*programs.look_over, bpf_map__fd(maps.carried), take_rows);
  }
  (void)run_map_iterator(*programs.look_over_recorders, bpf_map__fd(maps.recorders), take_rows);
  std::ranges::stable_sort(pieces, {}, &CapturePiece::time);
  for (CapturePiece& piece : pieces) take(std::move(piece));
}

std::pair<std::uint64_t, std::uint64_t> BpfCapture::lost_of(SocketInode socket) const {
  const std::uint64_t key = number(socket);
  capture_socket known{};
  if (bpf_map__lookup_elem(object_->maps.sockets, &key, sizeof key, &known, sizeof known, 0) != 0) {
    return {0, 0};
  }
  // What was passed over is not lost: take_passed_over() tells of it.
  if ((known.bits & CAPTURE_SKIPPED) != 0) return {0, 0};
  return {known.lost[0], known.lost[1]};
}

std::uint64_t BpfCapture::passed_over() const {
  const int processors = libbpf_num_possible_cpus();
  if (processors <= 0) return 0;
  std::vector<capture_budget> budgets(static_cast<std::size_t>(processors));
  const std::uint32_t zero = 0;
  if (bpf_map__lookup_elem(object_->maps.budgets, &zero, sizeof zero, budgets.data(),
                           budgets.size() * sizeof(capture_budget), 0) != 0) {
    return 0;
  }
  std::uint64_t skips = 0;
  for (const capture_budget& budget : budgets) skips += budget.skips;
  return skips;
}

CaptureLosses BpfCapture::losses() const {
  const auto& lost = object_->bss->losses;
  CaptureLosses losses;
  losses.events = lost[CAPTURE_LOST_EVENTS];
  losses.sockets = lost[CAPTURE_LOST_SOCKETS];
  losses.targets = lost[CAPTURE_LOST_TARGETS];
  losses.sessions = lost[CAPTURE_LOST_SESSIONS];
  losses.passed_over = passed_over();
  losses.unreadable = lost[CAPTURE_UNREADABLE];
  losses.broken = broken_;
  return losses;
}

}  // namespace

Result<std::unique_ptr<CaptureSource>> open_capture(CaptureHooks hooks, FindTlsPlaces find) {
  return BpfCapture::open(hooks, std::move(find));
}

}  // namespace plumb::detect
