// SPDX-License-Identifier: Apache-2.0
// The callback face: a frame comes in, on_frame() is called, its replies go out. No coroutine is
// written and none is resumed for a frame; underneath, the whole conversation is one wait of one
// task, so that it is cancelled, bounded and counted like every other.
//
//   co_await serve_frames(*listener, LengthPrefixed{}, [](Bytes frame, Replies& replies) {
//     replies.send(frame);
//   });
//
// All frames that have come are answered before anything is sent, in one system call where the
// kernel takes it. While a peer does not take its replies, nothing more is read from it.
// Threads: on_frame is called on the loop's thread; it must not block.
#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

#include "plumb/loop/timer.h"
#include "plumb/net/frame.h"
#include "plumb/net/listener.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

// Where on_frame puts what it has to say.
class Replies {
 public:
  // Queues one frame. What the codec cannot frame ends the connection with its error.
  void send(Bytes payload) {
    if (auto wrapped = wrap_(codec_, payload, output_); !wrapped && !error_) {
      error_ = std::make_unique<Error>(std::move(wrapped).error());
    }
  }
  // Ends the conversation once what was queued has been sent.
  void finish() noexcept { finishing_ = true; }
  Stream& stream() noexcept { return stream_; }

 private:
  template <FrameCodec Codec, typename OnFrame>
  friend class FramePump;

  template <FrameCodec Codec>
  Replies(Stream& stream, const Codec& codec)
      : stream_(stream), output_(stream.buffer()), codec_(&codec), wrap_(&wrap_with<Codec>) {}
  template <FrameCodec Codec>
  static Result<void> wrap_with(const void* codec, Bytes payload, Buffer& out) {
    return static_cast<const Codec*>(codec)->wrap(payload, out);
  }

  Stream& stream_;
  Buffer output_;
  const void* codec_;
  Result<void> (*wrap_)(const void*, Bytes, Buffer&);
  std::unique_ptr<Error> error_;  // seldom there, and 100 bytes
  bool finishing_ = false;
};

struct FrameLimits {
  // Replies beyond this are sent before the next frame is looked at.
  std::size_t most_unsent = 64 * 1024;
  // A connection from which nothing has come for so long ends with ETIMEDOUT; 0: never.
  std::chrono::milliseconds silence{0};
};

// The conversation of one connection: co_await FramePump(…) lasts until the peer has finished (no
// error), on_frame has (no error), or something failed.
template <FrameCodec Codec, typename OnFrame>
class FramePump : public StreamWait {
 public:
  FramePump(Stream& stream, const Codec& codec, OnFrame& on_frame, FrameLimits limits,
            Deadline* silence)
      : StreamWait(stream.core()),
        codec_(codec),
        on_frame_(on_frame),
        limits_(limits),
        silence_(silence),
        input_(stream.buffer()),
        replies_(stream, codec) {}

  Result<void> await_resume() {
    if (failed()) return error("serve frames");
    return {};
  }

  // For those whom it does not concern how it ended.
  struct Quietly {
    bool await_ready() const noexcept { return false; }
    template <typename P>
    bool await_suspend(std::coroutine_handle<P> handle) {
      return pump.await_suspend(handle);
    }
    void await_resume() const noexcept {}
    FramePump& pump;
  };
  Quietly quietly() noexcept { return {*this}; }

 private:
  static constexpr int kRounds = 16;  // then others have their turn

  Step attempt() override {
    for (int round = 0; round < kRounds; ++round) {
      Step step = Step::kDone;
      if (!flush(step)) return step;
      if (replies_.finishing_) return Step::kDone;
      if (!answer(step)) return step;
      if (!replies_.output_.empty()) continue;
      const auto got = read_once(input_, BlockPool::kBlock, step);
      if (!got) return step;
      if (*got == 0) {
        if (input_.empty()) return Step::kDone;
        return end_with(fail("receive frame", "", EPROTO, "the peer finished within a frame"));
      }
      if (silence_ != nullptr) silence_->extend(limits_.silence);
      if (!answer(step)) return step;
    }
    return Step::kAgain;
  }

  // True: everything queued has gone.
  bool flush(Step& step) {
    while (!replies_.output_.empty()) {
      const auto sent = write_once(replies_.output_.bytes(), step);
      if (!sent) return false;
      replies_.output_.consume(*sent);
    }
    return true;
  }

  // False: failed. Calls back for each complete frame, as long as the replies have room.
  bool answer(Step& step) {
    while (!input_.empty() && replies_.output_.size() <= limits_.most_unsent &&
           !replies_.finishing_) {
      auto cut = codec_.cut(input_.bytes(), seen_);
      if (cut && !*cut) return true;
      if (cut) {
        seen_ = 0;
        on_frame_((*cut)->payload, replies_);
        input_.consume((*cut)->consumed);
      }
      if (cut && !replies_.error_) continue;
      step = end_with(cut ? std::move(*replies_.error_) : std::move(cut).error());
      return false;
    }
    return true;
  }

  const Codec& codec_;
  OnFrame& on_frame_;
  FrameLimits limits_;
  Deadline* silence_;
  Buffer input_;
  Replies replies_;
  std::size_t seen_ = 0;
};

// Serves one connection until it ends. Errors: as FramePump.
template <FrameCodec Codec, typename OnFrame>
Task<Result<void>> converse(Stream stream, const Codec& codec, OnFrame& on_frame,
                            FrameLimits limits = {}) {
  std::optional<Deadline> silence;
  if (limits.silence.count() != 0) silence.emplace(co_await this_task(), limits.silence);
  co_return co_await FramePump<Codec, OnFrame>(stream, codec, on_frame, limits,
                                               silence ? &*silence : nullptr);
}

// Lives in serve_frames().
template <FrameCodec Codec, typename OnFrame>
Task<Result<void>> serve_frames_with(Listener& listener, Codec codec, OnFrame on_frame,
                                     FrameLimits limits, std::source_location site) {
  // As converse(), in one frame: an idle connection costs less than 1 KiB.
  const auto handle = [&](Stream stream) -> Task<> {
    std::optional<Deadline> silence;
    if (limits.silence.count() != 0) silence.emplace(co_await this_task(), limits.silence, site);
    FramePump<Codec, OnFrame> pump(stream, codec, on_frame, limits, silence ? &*silence : nullptr);
    co_await pump.quietly();
  };
  co_return co_await listener.serve(handle, site);
}

// Serves a listener's connections until cancelled or closed; see Listener::serve. What ends a
// single connection ends only that one.
template <FrameCodec Codec, typename OnFrame>
Task<Result<void>> serve_frames(Listener& listener, Codec codec, OnFrame&& on_frame,
                                FrameLimits limits = {},
                                std::source_location site = std::source_location::current()) {
  static_assert(kAwaitable<Codec> && kAwaitable<OnFrame>,
                "name the lambda first, or capture by reference: see task.h");
  return serve_frames_with(listener, std::move(codec),
                           std::decay_t<OnFrame>(std::forward<OnFrame>(on_frame)), limits, site);
}

}  // namespace plumb::runtime
