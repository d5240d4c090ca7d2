// SPDX-License-Identifier: Apache-2.0
// CaptureSource: the edge to the capturing programs. Follows chosen processes and their children
// and hands out what goes over their stream sockets, as far as it may be HTTP. It captures bytes
// and parses none.
//
// Nothing is left behind: programs and maps belong to this object's descriptors. Targets are not
// stopped, signalled or written to. Inside of TLS it sees through OpenSSL, GnuTLS and Go's
// crypto/tls, by probes on the libraries' functions, some 10 us a call where they are set. Not
// seen: other TLS libraries; of what io_uring and 32-bit processes move only how much it is.
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "detect/record/capture.h"
#include "detect/record/go_tls_places.h"
#include "detect/source/tls_probes.h"
#include "plumb/base/result.h"

namespace plumb::detect {

class CaptureSource {
 public:
  virtual ~CaptureSource() = default;

  // Adds a process; its children since then are followed too. Errors: E2BIG where there are too
  // many.
  virtual Result<void> follow(Pid process) = 0;

  // Looks into the TLS libraries that these processes have, in them alone; and into those of the
  // system that one of them has not, in every process, because its children may. Answers with what
  // it could not look into, a sentence each.
  virtual std::vector<std::string> look_into_tls(std::span<const Pid> processes) = 0;

  // A followed process has a child or another program since a moment ago (kForked, kStarted):
  // looks into the libraries of all of them in every process from now on, and into what this one
  // has besides. True where that is something new, which it may have used already.
  virtual bool look_into_started(Pid process) = 0;

  // What that process did inside of TLS before may have been missed: its connections up to now are
  // joined late.
  virtual void seen_from_now_on(Pid process) = 0;

  // Looks into the TLS of one Go process, or of all, whose program is at `image`: Go 1.17 and
  // later. Errors: of placing the probes.
  virtual Result<void> look_into_go(std::optional<Pid> process, const std::string& image,
                                    const GoTlsPlaces& places) = 0;

  // Waits until something comes or `timeout` passes, then hands out all that there is.
  // Errors: of the ring buffer's wait; EINTR is none.
  virtual Result<void> poll(std::chrono::milliseconds timeout,
                            const std::function<void(CapturePiece)>& take) = 0;
  // Becomes readable with pieces; owned by the source.
  virtual int wait_descriptor() const = 0;
  // Becomes readable with kStarted and kForked, which cannot wait for a batch: what such a process
  // does inside of TLS is seen from when it is looked into.
  virtual int news_descriptor() const = 0;

  // Under load not every exchange is looked at. Hands out the beginnings of the last messages on
  // those connections whose last exchange was passed over and on which nothing has moved for as
  // long as `quiet`, in the order of their times: whoever stalls is among them. What comes on them
  // after that is looked at. Zero: all of them, else some hundreds at once.
  virtual void take_passed_over(std::chrono::nanoseconds quiet,
                                const std::function<void(CapturePiece)>& take) = 0;

  // Bytes of a socket, received and sent, that were lost since its last piece.
  virtual std::pair<std::uint64_t, std::uint64_t> lost_of(SocketInode socket) const = 0;
  virtual CaptureLosses losses() const = 0;
};

// Where the capture looks. The kernel's sockets tell by themselves since Linux 6.3, which costs
// nothing to whoever does not use a socket; before, every system call has to be looked at.
enum class CaptureHooks : std::uint8_t { kBest, kSystemCalls };

// Loads and attaches; `find` makes probes of libraries several times cheaper. Errors: EPERM without
// CAP_BPF and CAP_PERFMON; ENOENT without the kernel's BTF; the advice says what would help.
Result<std::unique_ptr<CaptureSource>> open_capture(CaptureHooks hooks = CaptureHooks::kBest,
                                                    FindTlsPlaces find = {});

}  // namespace plumb::detect
