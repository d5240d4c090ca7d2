// SPDX-License-Identifier: Apache-2.0
// FrameStream: a stream of messages for coroutines. Reads ahead at most one frame's bound; send()
// waits until the peer takes the bytes, which is the backpressure.
//
//   FrameStream frames(std::move(stream), LengthPrefixed{.most = 4096});
//   for (;;) {
//     auto frame = co_await frames.receive();
//     if (!frame || !*frame) break;                    // an error, or the peer has finished
//     if (auto sent = co_await frames.send(**frame); !sent) break;
//   }
//
// One receiver and one sender at a time. Threads: those of the stream's loop.
#pragma once

#include <cerrno>
#include <optional>
#include <utility>

#include "plumb/net/frame.h"
#include "plumb/net/stream.h"

namespace plumb::runtime {

template <FrameCodec Codec>
class FrameStream {
 public:
  FrameStream(Stream stream, Codec codec)
      : stream_(std::move(stream)), codec_(std::move(codec)), input_(stream_.buffer()) {}

  // The next frame, valid until the next receive(); nothing when the peer finished between frames.
  // Errors: as Stream::read and the codec's; EPROTO when the peer finished within a frame.
  class Receive;
  [[nodiscard]] Receive receive() { return Receive(*this); }

  // Sends one frame, all of it. Errors: as Stream::write and the codec's.
  class Send;
  [[nodiscard]] Send send(Bytes payload) { return Send(*this, payload); }

  Stream& stream() noexcept { return stream_; }

 private:
  // The frame given last is forgotten only now: its bytes were the receiver's until this call.
  void forget_last() noexcept { input_.consume(std::exchange(given_, 0)); }

  Stream stream_;
  Codec codec_;
  Buffer input_;
  std::size_t given_ = 0;
  std::size_t seen_ = 0;
};

template <FrameCodec Codec>
class FrameStream<Codec>::Receive : public StreamWait {
 public:
  explicit Receive(FrameStream& frames) noexcept
      : StreamWait(frames.stream_.core()), frames_(frames) {
    frames_.forget_last();
  }
  Result<std::optional<Bytes>> await_resume() {
    if (failed()) return error("receive frame");
    return frame_;
  }

 private:
  Step attempt() override {
    for (;;) {
      auto cut = frames_.codec_.cut(frames_.input_.bytes(), frames_.seen_);
      if (!cut) return end_with(std::move(cut).error());
      if (*cut) {
        frame_ = (*cut)->payload;
        frames_.given_ = (*cut)->consumed;
        frames_.seen_ = 0;
        return Step::kDone;
      }
      Step step = Step::kDone;
      const auto got = read_once(frames_.input_, BlockPool::kBlock, step);
      if (!got) return step;
      if (*got != 0) continue;
      if (frames_.input_.empty()) return Step::kDone;
      return end_with(fail("receive frame", "", EPROTO, "the peer finished within a frame"));
    }
  }

  FrameStream& frames_;
  std::optional<Bytes> frame_;
};

template <FrameCodec Codec>
class FrameStream<Codec>::Send : public StreamWait {
 public:
  Send(FrameStream& frames, Bytes payload)
      : StreamWait(frames.stream_.core()), output_(frames.stream_.buffer()) {
    if (auto wrapped = frames.codec_.wrap(payload, output_); !wrapped) {
      end_with(std::move(wrapped).error());
    }
  }
  Result<void> await_resume() {
    if (failed()) return error("send frame");
    return {};
  }

 private:
  Step attempt() override {
    Step step = Step::kDone;
    while (!failed() && !output_.empty()) {
      const auto sent = write_once(output_.bytes(), step);
      if (!sent) return step;
      output_.consume(*sent);
    }
    return Step::kDone;
  }

  Buffer output_;
};

}  // namespace plumb::runtime
