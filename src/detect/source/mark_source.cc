// SPDX-License-Identifier: Apache-2.0
// Loading, attaching and reading of the programs of marks.
#include "detect/source/mark_source.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "detect/source/bpf_support.h"
// The skeleton needs the types of the object's data.
// clang-format off
#include "detect/source/bpf/marks_abi.h"
#include <marks.skel.h>
// clang-format on

namespace plumb::detect {
namespace {

struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

std::string text_of(const char* bytes, std::size_t size) {
  return std::string(bytes, ::strnlen(bytes, size));
}

Mark decode(const abi::mark_event& event) {
  Mark mark;
  mark.time = BootTime(std::chrono::nanoseconds(event.time));
  mark.pid = Pid{event.pid};
  mark.name = text_of(event.name, sizeof(event.name));
  switch (event.what) {
    case abi::kMarkExec:
      mark.source = Mark::Source::kExec;
      break;
    case abi::kMarkChild:
      mark.source = Mark::Source::kChild;
      break;
    default:
      mark.source = Mark::Source::kJob;
      if (text_of(event.event, sizeof(event.event)) != "start") mark.what = Mark::What::kStop;
  }
  return mark;
}

class BpfMarks : public MarkSource {
 public:
  explicit BpfMarks(BpfSkeleton<marks_bpf> object) : object_(std::move(object)) {}

  Result<void> begin() {
    ring_.reset(ring_buffer__new(bpf_map__fd(object_->maps.events), on_event, this, nullptr));
    if (!ring_) return fail("ring_buffer__new", "marks", errno);
    for (bpf_program* program : {object_->progs.on_exec, object_->progs.on_fork}) {
      auto link = attach(*program);
      if (!link) return std::move(link).error();
      links_.push_back(*std::move(link));
    }
    return {};
  }

  bool follow_jobs(Pid process) override {
    const BpfLog log;  // libbpf complains of programs without the probe
    const std::string image = "/proc/" + std::to_string(number(process)) + "/exe";
    BpfLink link(bpf_program__attach_usdt(object_->progs.on_job, number(process), image.c_str(),
                                          "plumb", "mark", nullptr));
    if (!link) return false;
    links_.push_back(std::move(link));
    return true;
  }

  void take(const std::function<void(Mark)>& each) override {
    each_ = &each;
    (void)ring_buffer__consume(ring_.get());  // what it could not read comes next time
    each_ = nullptr;
  }

  std::uint64_t lost() const override { return object_->bss->lost; }

 private:
  static int on_event(void* self, void* data, std::size_t size) {
    abi::mark_event event{};
    if (size < sizeof(event)) return 0;
    std::memcpy(&event, data, sizeof(event));
    (*static_cast<BpfMarks*>(self)->each_)(decode(event));
    return 0;
  }

  BpfSkeleton<marks_bpf> object_;
  std::vector<BpfLink> links_;  // before the skeleton goes
  std::unique_ptr<ring_buffer, RingDeleter> ring_;
  const std::function<void(Mark)>* each_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<MarkSource>> MarkSource::open() {
  auto opened = open_skeleton<marks_bpf>("marks");
  if (!opened) return std::move(opened).error();
  if (auto loaded = load_skeleton(**opened, "marks"); !loaded) return std::move(loaded).error();
  auto source = std::make_unique<BpfMarks>(*std::move(opened));
  if (auto begun = source->begin(); !begun) return std::move(begun).error();
  return std::unique_ptr<MarkSource>(std::move(source));
}

}  // namespace plumb::detect
