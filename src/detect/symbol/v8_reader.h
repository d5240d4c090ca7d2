// SPDX-License-Identifier: Apache-2.0
// V8Reader: the names of JavaScript functions of a running V8 (node), read from its memory: no
// option of the program is needed. What was taken down at an event is named soon after it; where
// the collector has moved or freed the function meanwhile, it has no name, never another's.
//
// Threads: one at a time. The view must outlive the reader.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "detect/record/frame.h"
#include "detect/symbol/named_frame.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/unwinder.h"
#include "detect/symbol/v8_heap.h"
#include "detect/symbol/v8_lines.h"
#include "detect/symbol/walk_rules.h"

namespace plumb::detect {

class V8Reader {
 public:
  // Nothing when the process runs no V8 that tells its layout.
  static std::optional<V8Reader> find(ProcessView& process);

  V8Reader(const ProcessAccess& access, Pid process, const V8Layout& layout);
  V8Reader(V8Reader&& other) noexcept;
  V8Reader& operator=(V8Reader&& other) noexcept;
  V8Reader(const V8Reader&) = delete;
  V8Reader& operator=(const V8Reader&) = delete;
  ~V8Reader() = default;

  const V8FrameLayout& frame_layout() const noexcept { return heap_.layout().frame; }

  // The function, its file, and the line where it begins (of kind kJit, as a perf map's). Nothing
  // where it cannot be told any more, and for functions that V8 itself brings (forEach).
  std::optional<Frame> name(const V8Sample& sample);

  // The functions of a thread that stands still.
  std::vector<NamedFrame> names(const Unwound& stack);

 private:
  static constexpr std::size_t kMostNames = 100'000;
  // Of a sample: what makes it this function and no other.
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint32_t>;

  std::optional<V8Sample> sample(Address frame_pointer) const;
  bool still_there(const V8Sample& sample) const;
  std::optional<Frame> read(const V8Sample& sample);

  V8Heap heap_;
  V8Lines lines_;
  std::map<Key, Frame> names_;
};

// The frames of a stack that are JavaScript functions with names, by their index in `walked`.
std::vector<NamedFrame> name_v8_frames(V8Reader& reader, const std::vector<V8Sample>& samples,
                                       const WalkedStack& walked);

}  // namespace plumb::detect
