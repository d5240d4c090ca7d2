// SPDX-License-Identifier: Apache-2.0
// Reads /proc for what BPF did not show.
#include "detect/source/process_texts.h"

#include <fcntl.h>

#include <string>
#include <unordered_map>

#include "detect/source/classify.h"
#include "detect/source/fdinfo.h"
#include "detect/source/process_files.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

std::string folder_of(const Process& process) {
  return "/proc/" + std::to_string(number(process.key.pid));
}

std::string fdinfo_folder(const Process& process, Tid table) {
  if (table == Tid{}) return folder_of(process) + "/fdinfo";
  return folder_of(process) + "/task/" + std::to_string(number(table)) + "/fdinfo";
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
    if (descriptor.process != process_ || descriptor.table != table_ || !opened_) {
      process_ = descriptor.process;
      table_ = descriptor.table;
      opened_ = true;
      auto folder = UniqueFd::open(fdinfo_folder(survey.process_of(descriptor), table_),
                                   O_PATH | O_DIRECTORY);
      folder_ = folder ? std::move(*folder) : UniqueFd();
    }
    if (!folder_) return std::nullopt;
    const auto text = read_file_at(folder_, std::to_string(number(descriptor.fd)), kFdinfoLimit);
    if (!text) return std::nullopt;
    const FdinfoCommon common = parse_fdinfo(*text);
    if (common.inode && *common.inode != descriptor.inode) return std::nullopt;
    return decode_fdinfo(descriptor.kind, *text);
  }

 private:
  bool opened_ = false;
  ProcessIndex process_{};
  Tid table_{};
  UniqueFd folder_;
};

}  // namespace

void read_command_lines(Survey& survey, const std::vector<ProcessRows::Extra>& extras) {
  for (std::size_t i = 0; i < survey.processes.size(); ++i) {
    if (!extras[i].has_memory) continue;
    Process& process = survey.processes[i];
    const auto text = read_file(folder_of(process) + "/cmdline", kCommandLineLimit);
    if (!text) continue;
    std::string_view line = *text;
    if (line.ends_with('\0')) line.remove_suffix(1);
    process.command_line = survey.texts.add(line);
  }
}

void read_cgroups(Survey& survey, const std::vector<ProcessRows::Extra>& extras) {
  std::unordered_map<std::uint64_t, TextRef> paths;
  for (std::size_t i = 0; i < survey.processes.size(); ++i) {
    Process& process = survey.processes[i];
    const std::uint64_t id = extras[i].cgroup;
    if (const auto known = paths.find(id); id != 0 && known != paths.end()) {
      process.cgroup = known->second;
      continue;
    }
    const auto text = read_file(folder_of(process) + "/cgroup", kProcessFileLimit);
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
