// SPDX-License-Identifier: Apache-2.0
// PprofProfile: a profile for `go tool pprof`, built sample by sample (github.com/google/pprof,
// proto/profile.proto; the numbers of the fields are from there).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/record/stack_store.h"
#include "detect/report/proto_writer.h"

namespace plumb::detect {

class PprofProfile {
 public:
  // Borrows the stacks.
  explicit PprofProfile(const StackStore& stacks) : stacks_(stacks) { string(""); }

  // Each sample has a value of each type, in this order; the first type is what viewers show.
  void add_type(std::string_view type, std::string_view unit);
  // Whose profile it is: the module of this frame, to be told before any sample.
  void name_program(FrameId frame) { mapping(stacks_.frame(frame)); }
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  // Innermost frame first.
  void add_sample(std::span<const FrameId> frames, std::span<const std::uint64_t> values,
                  const Labels& labels);
  // A sample whose stack is one frame of that name.
  void add_sample(std::string_view name, std::span<const std::uint64_t> values,
                  const Labels& labels);
  // How long was looked, in ns.
  void set_duration(std::uint64_t duration) { profile_.number(10, duration); }

  // The profile in gzip (RFC 1952). Once; memory alone can fail it.
  std::string packed();

 private:
  std::uint64_t string(std::string_view text) {
    return strings_.try_emplace(std::string(text), strings_.size()).first->second;
  }
  void sample(const std::vector<std::uint64_t>& path, std::span<const std::uint64_t> values,
              const Labels& labels);
  std::uint64_t location(FrameId id);
  std::uint64_t plain_location(std::string_view name);
  std::uint64_t function(const Frame& frame);
  std::uint64_t mapping(const Frame& frame);

  const StackStore& stacks_;
  ProtoWriter profile_;
  std::string default_type_;
  std::map<std::string, std::uint64_t> strings_;
  std::map<FrameId, std::uint64_t> locations_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> functions_;
  std::map<std::pair<std::string, BuildId>, std::uint64_t> mappings_;
  std::uint64_t next_location_ = 1;
};

}  // namespace plumb::detect
