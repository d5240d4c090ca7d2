// SPDX-License-Identifier: Apache-2.0
// Attaching the probes and reading their map.
#include "detect/source/go_http_probe.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "detect/source/bpf/go_http_abi.h"
#include "detect/source/bpf_support.h"
#include "detect/source/go_http_decode.h"
#include "go_http.skel.h"

namespace plumb::detect {
namespace {

class BpfGoHttp : public GoHttpProbe {
 public:
  explicit BpfGoHttp(BpfSkeleton<go_http_bpf> skeleton) : skeleton_(std::move(skeleton)) {}

  Result<void> attach_all(const GoHttpPlaces& places);
  Result<std::vector<GoRequest>> read() override;
  GoRequestLosses losses() const override {
    return {.requests = skeleton_->bss->full, .unread = skeleton_->bss->unread};
  }

 private:
  Result<void> attach_at(bpf_program* program, const GoHttpPlaces& places,
                         std::optional<std::uint64_t> offset);

  BpfSkeleton<go_http_bpf> skeleton_;
  std::vector<BpfLink> links_;  // before the skeleton goes
};

Result<void> BpfGoHttp::attach_at(bpf_program* program, const GoHttpPlaces& places,
                                  std::optional<std::uint64_t> offset) {
  if (!offset) return {};
  const BpfLog log;
  BpfLink link(bpf_program__attach_uprobe(program, false, number(places.process),
                                          places.image.c_str(), *offset));
  if (!link) return bpf_failure("attach", bpf_program__name(program), errno, log);
  links_.push_back(std::move(link));
  return {};
}

// Ends before beginnings: what is taken down must be sure to be dropped.
Result<void> BpfGoHttp::attach_all(const GoHttpPlaces& places) {
  auto& programs = skeleton_->progs;
  std::vector<std::pair<bpf_program*, std::optional<std::uint64_t>>> wanted;
  for (const std::uint64_t end : places.ends) wanted.emplace_back(programs.on_end, end);
  wanted.emplace_back(programs.on_end, places.stream_end);
  wanted.emplace_back(programs.on_idle, places.idle);
  if (places.stream_end) wanted.emplace_back(programs.on_stream, places.stream);
  if (places.stream_end && places.stream) {
    wanted.emplace_back(programs.on_round_trip2, places.round_trip2);
  }
  wanted.emplace_back(programs.on_round_trip, places.round_trip);
  for (const auto& [program, offset] : wanted) {
    if (auto done = attach_at(program, places, offset); !done) return done;
  }
  return {};
}

Result<std::vector<GoRequest>> BpfGoHttp::read() {
  std::vector<GoRequest> found;
  std::uint64_t key = 0;
  std::uint64_t next = 0;
  abi::go_request row{};
  const bpf_map* map = skeleton_->maps.live;
  // A row that is deleted under the walk makes the kernel begin anew: bounded, and doubles go.
  const std::uint64_t* at = nullptr;
  for (std::size_t steps = 0; steps < 4 * std::size_t{abi::kGoRequests}; ++steps) {
    if (bpf_map__get_next_key(map, at, &next, sizeof(next)) != 0) break;
    key = next;
    at = &key;
    if (bpf_map__lookup_elem(map, &key, sizeof(key), &row, sizeof(row), 0) == 0 && row.sent != 0) {
      found.push_back(decode(row, key));
    }
  }
  std::ranges::sort(found, {},
                    [](const GoRequest& one) { return std::pair(one.sent, one.connection); });
  const auto doubles = std::ranges::unique(found, [](const GoRequest& a, const GoRequest& b) {
    return a.connection == b.connection && a.sent == b.sent;
  });
  found.erase(doubles.begin(), doubles.end());
  return found;
}

}  // namespace

Result<std::unique_ptr<GoHttpProbe>> GoHttpProbe::open(const GoHttpPlaces& places) {
  auto opened = open_skeleton<go_http_bpf>("go_http");
  if (!opened) return std::move(opened).error();
  (*opened)->rodata->goid_offset = places.goroutine_id;
  if (auto loaded = load_skeleton(**opened, "go_http"); !loaded) return std::move(loaded).error();
  auto probe = std::make_unique<BpfGoHttp>(*std::move(opened));
  if (auto attached = probe->attach_all(places); !attached) return std::move(attached).error();
  return std::unique_ptr<GoHttpProbe>(std::move(probe));
}

}  // namespace plumb::detect
