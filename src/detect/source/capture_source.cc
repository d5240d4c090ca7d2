// SPDX-License-Identifier: Apache-2.0
// Loading, attaching and reading of the capturing programs.
#include "detect/source/capture_source.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <algorithm>
#include <array>
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
#include "detect/source/tls_libraries.h"
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
  static Result<std::unique_ptr<CaptureSource>> open(CaptureHooks hooks);

  Result<void> follow(Pid process) override;
  std::vector<std::string> look_into_tls(std::span<const Pid> processes) override;
  Result<void> look_into_go(Pid process, const std::string& image,
                            const GoTlsPlaces& places) override;
  Result<void> poll(std::chrono::milliseconds timeout,
                    const std::function<void(CapturePiece)>& take) override;
  int wait_descriptor() const override { return ring_buffer__epoll_fd(ring_.get()); }
  void take_passed_over(const std::function<void(CapturePiece)>& take) override;
  std::pair<std::uint64_t, std::uint64_t> lost_of(SocketInode socket) const override;
  CaptureLosses losses() const override;

 private:
  explicit BpfCapture(BpfSkeleton<capture_bpf> object) : object_(std::move(object)) {}
  static int on_event(void* self, void* data, std::size_t size);
  bool attach_to(const TlsLibrary& library, int pid);
  void list_sockets(Pid process);

  BpfSkeleton<capture_bpf> object_;
  std::vector<BpfLink> links_;
  std::unique_ptr<ring_buffer, RingDeleter> ring_;
  const std::function<void(CapturePiece)>* take_ = nullptr;
  std::uint64_t broken_ = 0;
  bool by_sockets_ = false;
  bool closes_ = false;  // the end of unix sockets is looked for
};

Result<std::unique_ptr<CaptureSource>> BpfCapture::open(CaptureHooks hooks) {
  auto opened = open_skeleton<capture_bpf>("capture");
  if (!opened) return std::move(opened).error();
  std::unique_ptr<BpfCapture> capture(new BpfCapture(*std::move(opened)));
  capture_bpf& object = *capture->object_;
  capture->by_sockets_ = hooks == CaptureHooks::kBest && sockets_tell();
  capture->closes_ = !capture->by_sockets_;
  object.rodata->by_sockets = capture->by_sockets_;
  auto& programs = object.progs;
  std::vector<bpf_program*> hooked = {programs.on_fork, programs.on_exit};
  const std::array<bpf_program*, 3> of_sockets = {programs.on_sent, programs.on_received,
                                                  programs.on_state};
  if (capture->by_sockets_) {
    hooked.insert(hooked.end(), of_sockets.begin(), of_sockets.end());
  } else {
    hooked.insert(hooked.end(), {programs.on_sys_enter, programs.on_sys_exit});
    for (bpf_program* program : of_sockets) bpf_program__set_autoload(program, false);
    bpf_program__set_autoload(programs.look_over, false);
  }
  if (auto loaded = load_skeleton(object, "capture"); !loaded) return std::move(loaded).error();
  capture->ring_.reset(
      ring_buffer__new(bpf_map__fd(object.maps.events), on_event, capture.get(), nullptr));
  if (!capture->ring_) return fail("ring_buffer__new", "events of the capture", errno);
  for (bpf_program* program : hooked) {
    auto link = attach(*program);
    if (!link) return std::move(link).error();
    capture->links_.push_back(*std::move(link));
  }
  return std::unique_ptr<CaptureSource>(std::move(capture));
}

Result<void> BpfCapture::follow(Pid process) {
  const int pid = number(process);
  const std::uint8_t one = 1;
  if (bpf_map__update_elem(object_->maps.targets, &pid, sizeof pid, &one, sizeof one, BPF_ANY) !=
      0) {
    return fail("capture", "process " + std::to_string(pid), errno, "choose fewer processes");
  }
  if (by_sockets_) list_sockets(process);
  return {};
}

// A unix socket does not tell whether something passed over it before.
void BpfCapture::list_sockets(Pid process) {
  constexpr std::string_view kSocket = "socket:[";
  const capture_socket found{.lost = {},
                             .tls = 0,
                             .answered = 0,
                             .answered_at = 0,
                             .place = {},
                             .bits = CAPTURE_LATE | CAPTURE_LISTED,
                             .pid = 0,
                             .fd = 0};
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

// True where at least one way out and one way in could be probed.
bool BpfCapture::attach_to(const TlsLibrary& library, int pid) {
  auto& programs = object_->progs;
  struct Probe {
    const char* function;
    bpf_program* entry;
    bool returns;
  };
  const std::array<Probe, 8> probes = {{{"SSL_write", programs.tls_write, true},
                                        {"SSL_read", programs.tls_read, true},
                                        {"SSL_write_ex", programs.tls_write_ex, true},
                                        {"SSL_read_ex", programs.tls_read_ex, true},
                                        {"SSL_free", programs.tls_freed, false},
                                        {"gnutls_record_send", programs.tls_write, true},
                                        {"gnutls_record_recv", programs.tls_read, true},
                                        {"gnutls_deinit", programs.tls_freed, false}}};
  std::size_t attached = 0;
  const BpfLog log;  // libbpf complains of every name that is not in the library
  for (const Probe& probe : probes) {
    const bool gnu = std::string_view(probe.function).starts_with("gnutls");
    if (gnu != library.gnutls) continue;
    bpf_uprobe_opts options{};
    options.sz = sizeof options;
    options.func_name = probe.function;
    BpfLink entry(
        bpf_program__attach_uprobe_opts(probe.entry, pid, library.path.c_str(), 0, &options));
    if (!entry) continue;
    if (probe.returns) {
      options.retprobe = true;
      BpfLink leave(bpf_program__attach_uprobe_opts(programs.tls_done, pid, library.path.c_str(), 0,
                                                    &options));
      if (!leave) continue;
      links_.push_back(std::move(leave));
      ++attached;
    }
    links_.push_back(std::move(entry));
  }
  return attached >= 2;
}

std::vector<std::string> BpfCapture::look_into_tls(std::span<const Pid> processes) {
  std::vector<std::string> blinds;
  for (const TlsLibrary& library : tls_libraries(processes)) {
    constexpr int kEverybody = -1;
    bool attached = library.users.empty() && attach_to(library, kEverybody);
    for (const Pid pid : library.users) attached |= attach_to(library, number(pid));
    if (attached) {
      object_->bss->tls_armed = 1;
    } else if (!library.executable) {
      blinds.push_back("what passes through " + library.path + " could not be looked into");
    }
  }
  return blinds;
}

Result<void> BpfCapture::look_into_go(Pid process, const std::string& image,
                                      const GoTlsPlaces& places) {
  auto& programs = object_->progs;
  // Ends before beginnings: whoever is found reading must be sure to be told of.
  std::vector<std::pair<bpf_program*, std::uint64_t>> wanted;
  for (const std::uint64_t at : places.reads) wanted.emplace_back(programs.go_tls_read_done, at);
  wanted.emplace_back(programs.go_tls_read, places.read);
  wanted.emplace_back(programs.go_tls_write, places.write);
  object_->bss->tls_armed = 1;
  for (const auto& [program, at] : wanted) {
    const BpfLog log;
    BpfLink link(bpf_program__attach_uprobe(program, false, number(process), image.c_str(), at));
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
  const int got = ring_buffer__poll(ring_.get(), static_cast<int>(timeout.count()));
  take_ = nullptr;
  if (!closes_ && object_->bss->unix_http != 0) {
    closes_ = true;
    if (auto link = attach(*object_->progs.on_sys_enter)) links_.push_back(*std::move(link));
  }
  if (got < 0 && got != -EINTR) return fail("ring_buffer__poll", "events of the capture", -got);
  return {};
}

void BpfCapture::take_passed_over(const std::function<void(CapturePiece)>& take) {
  // Without it, what splice took out of a socket counts as not yet come.
  if (by_sockets_) (void)run_iterator(*object_->progs.look_over, std::nullopt, [](auto) {});
  const bpf_map* map = object_->maps.recorders;
  std::vector<std::uint64_t> sockets;
  std::uint64_t key = 0;
  const std::uint64_t* previous = nullptr;
  while (sockets.size() < CAPTURE_SOCKETS &&
         bpf_map__get_next_key(map, previous, &key, sizeof key) == 0) {
    sockets.push_back(key);
    previous = &key;
  }
  std::vector<CapturePiece> pieces;
  for (const std::uint64_t socket : sockets) {
    capture_recorder recorder{};
    capture_socket known{};
    const bool found =
        bpf_map__lookup_elem(map, &socket, sizeof socket, &recorder, sizeof recorder, 0) == 0 &&
        bpf_map__lookup_elem(object_->maps.sockets, &socket, sizeof socket, &known, sizeof known,
                             0) == 0;
    bpf_map__delete_elem(map, &socket, sizeof socket, 0);
    // What was looked at again since is told of elsewhere.
    if (!found || (known.bits & CAPTURE_SKIPPED) == 0) continue;
    for (const capture_recorded& way : recorder.way) {
      if (auto piece = piece_of(way)) pieces.push_back(*std::move(piece));
    }
  }
  std::ranges::sort(pieces, {}, &CapturePiece::time);
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

CaptureLosses BpfCapture::losses() const {
  const auto& lost = object_->bss->losses;
  CaptureLosses losses;
  losses.events = lost[CAPTURE_LOST_EVENTS];
  losses.sockets = lost[CAPTURE_LOST_SOCKETS];
  losses.targets = lost[CAPTURE_LOST_TARGETS];
  losses.sessions = lost[CAPTURE_LOST_SESSIONS];
  losses.passed_over = lost[CAPTURE_SKIPS];
  losses.unreadable = lost[CAPTURE_UNREADABLE];
  losses.broken = broken_;
  return losses;
}

}  // namespace

Result<std::unique_ptr<CaptureSource>> open_capture(CaptureHooks hooks) {
  return BpfCapture::open(hooks);
}

}  // namespace plumb::detect
