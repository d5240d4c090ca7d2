// SPDX-License-Identifier: Apache-2.0
// Loading, attaching and reading of the capturing programs.
#include "detect/source/capture_source.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <vector>

#include "detect/source/bpf_support.h"
#include "detect/source/capture_decode.h"
#include "detect/source/tls_libraries.h"
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

class BpfCapture : public CaptureSource {
 public:
  static Result<std::unique_ptr<CaptureSource>> open();

  Result<void> follow(Pid process) override;
  std::vector<std::string> look_into_tls(std::span<const Pid> processes) override;
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

  BpfSkeleton<capture_bpf> object_;
  std::vector<BpfLink> links_;
  std::unique_ptr<ring_buffer, RingDeleter> ring_;
  const std::function<void(CapturePiece)>* take_ = nullptr;
  std::uint64_t broken_ = 0;
};

Result<std::unique_ptr<CaptureSource>> BpfCapture::open() {
  auto opened = open_skeleton<capture_bpf>("capture");
  if (!opened) return std::move(opened).error();
  std::unique_ptr<BpfCapture> capture(new BpfCapture(*std::move(opened)));
  capture_bpf& object = *capture->object_;
  if (auto loaded = load_skeleton(object, "capture"); !loaded) return std::move(loaded).error();
  capture->ring_.reset(
      ring_buffer__new(bpf_map__fd(object.maps.events), on_event, capture.get(), nullptr));
  if (!capture->ring_) return fail("ring_buffer__new", "events of the capture", errno);
  for (bpf_program* program : {object.progs.on_fork, object.progs.on_exit,
                               object.progs.on_sys_enter, object.progs.on_sys_exit}) {
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
  return {};
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
  if (got < 0 && got != -EINTR) return fail("ring_buffer__poll", "events of the capture", -got);
  return {};
}

void BpfCapture::take_passed_over(const std::function<void(CapturePiece)>& take) {
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
      if (way.event.front == 0) continue;
      if (auto piece = decode_capture(std::as_bytes(std::span(&way, 1)))) {
        pieces.push_back(*std::move(piece));
      }
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
  losses.broken = broken_;
  return losses;
}

}  // namespace

Result<std::unique_ptr<CaptureSource>> open_capture() {
  return BpfCapture::open();
}

}  // namespace plumb::detect
