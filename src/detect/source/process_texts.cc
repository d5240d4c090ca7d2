// SPDX-License-Identifier: Apache-2.0
// Reads /proc for what BPF did not show.
#include "detect/source/process_texts.h"

#include <fcntl.h>

#include <unordered_map>

#include "detect/source/classify.h"
#include "detect/source/fdinfo.h"
#include "detect/source/proc_reader.h"
#include "detect/source/process_files.h"

namespace plumb::detect {
namespace {

UniqueFd open_proc() {
  auto folder = UniqueFd::open("/proc", O_PATH | O_DIRECTORY);
  return folder ? std::move(*folder) : UniqueFd();
}

std::optional<Detail> slave_detail(const Descriptor& descriptor) {
  const auto pty = pty_of(descriptor.rdev_major, descriptor.rdev_minor);
  if (!pty || !pty->index) return std::nullopt;
  return PtyDetail{.index = *pty->index, .master = pty->master};
}

// The fdinfo folder of one table, opened once for all its descriptors.
class FdinfoFolder {
 public:
  std::optional<Detail> read(const Survey& survey, const Descriptor& descriptor) {
    if (!opened_ || descriptor.process != process_ || descriptor.table != table_) {
      opened_ = true;
      process_ = descriptor.process;
      table_ = descriptor.table;
      const auto pid = number(survey.process_of(descriptor).key.pid);
      folder_ = open_directory(proc_, ProcPath(pid, "/task/").c_str());
      const auto tid = table_ == Tid{} ? pid : number(table_);
      folder_ = open_directory(folder_, ProcPath(tid, "/fdinfo").c_str());
    }
    if (!folder_) return std::nullopt;
    const auto text = reader_.read(folder_, ProcPath(number(descriptor.fd)).c_str(), kFdinfoLimit);
    if (!text) return std::nullopt;
    const FdinfoCommon common = parse_fdinfo(*text);
    if (common.inode && *common.inode != descriptor.inode) return std::nullopt;
    return decode_fdinfo(descriptor.kind, *text);
  }

 private:
  UniqueFd proc_ = open_proc();
  ProcReader reader_;
  bool opened_ = false;
  ProcessIndex process_{};
  Tid table_{};
  UniqueFd folder_;
};

}  // namespace

void read_command_lines(Survey& survey, const std::vector<ProcessRows::Extra>& extras) {
  const UniqueFd proc = open_proc();
  ProcReader reader;
  for (std::size_t i = 0; i < survey.processes.size(); ++i) {
    if (!extras[i].has_memory) continue;
    Process& process = survey.processes[i];
    const ProcPath path(number(process.key.pid), "/cmdline");
    const auto text = reader.read(proc, path.c_str(), kCommandLineLimit);
    if (text) process.command_line = survey.texts.add(*text);
  }
}

void read_cgroups(Survey& survey, const std::vector<ProcessRows::Extra>& extras) {
  const UniqueFd proc = open_proc();
  ProcReader reader;
  std::unordered_map<std::uint64_t, TextRef> paths;
  for (std::size_t i = 0; i < survey.processes.size(); ++i) {
    Process& process = survey.processes[i];
    const std::uint64_t id = extras[i].cgroup;
    if (const auto known = paths.find(id); id != 0 && known != paths.end()) {
      process.cgroup = known->second;
      continue;
    }
    const ProcPath path(number(process.key.pid), "/cgroup");
    const auto text = reader.read(proc, path.c_str(), kProcessFileLimit);
    if (!text) continue;
    process.cgroup = survey.texts.add(parse_cgroup(*text));
    paths.emplace(id, process.cgroup);
  }
}

void read_details(Survey& survey) {
  FdinfoFolder folder;
  for (Descriptor& descriptor : survey.descriptors) {
    if (!has_fdinfo_detail(descriptor.kind)) continue;
    std::optional<Detail> detail;
    if (descriptor.kind == Kind::kPty) detail = slave_detail(descriptor);
    if (!detail) detail = folder.read(survey, descriptor);
    if (!detail) continue;
    descriptor.detail = DetailIndex(static_cast<std::uint32_t>(survey.details.size()));
    survey.details.push_back(std::move(*detail));
  }
}

}  // namespace plumb::detect
