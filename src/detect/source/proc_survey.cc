// SPDX-License-Identifier: Apache-2.0
// The survey without BPF: the sockets of all network namespaces, then each process with its
// descriptors, then who shares what. Sockets come first, so that one that is closed meanwhile costs
// a row that nobody holds, not a descriptor that leads nowhere.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "detect/source/descriptor_reader.h"
#include "detect/source/file_sharing.h"
#include "detect/source/process_files.h"
#include "detect/source/process_reader.h"
#include "detect/source/survey_source.h"
#include "detect/source/thread_waits.h"

namespace plumb::detect {
namespace {

bool wants(const SurveyRequest& request, Pid pid) {
  return request.only.empty() ||
         std::find(request.only.begin(), request.only.end(), pid) != request.only.end();
}

class ProcSurvey final : public SurveySource {
 public:
  ProcSurvey(UniqueFd proc, std::string why) : proc_(std::move(proc)), why_(std::move(why)) {}

  Result<Survey> take(const SurveyRequest& request) override;

 private:
  void read_sockets(const std::vector<std::int32_t>& pids, SocketTable& sockets);
  // Processes with their descriptors; the answer is how many threads hid what they wait for.
  std::uint64_t read_processes(const SurveyRequest& request, const std::vector<std::int32_t>& pids,
                               Survey& survey, SocketTable& sockets);
  void say_what_is_hidden(Survey& survey, std::uint64_t hidden_calls, std::uint64_t unproved_files);

  UniqueFd proc_;
  std::string why_;
  ProcReader reader_;
};

Result<Survey> ProcSurvey::take(const SurveyRequest& request) {
  Survey survey;
  survey.source = Survey::Source::kProc;
  survey.taken = BootClock::now();
  // From the start again: the directory's position is where the last survey ended.
  ::lseek(proc_.get(), 0, SEEK_SET);
  std::vector<std::int32_t> pids;
  if (!reader_.list(proc_, pids)) return fail("list", "/proc", reader_.error());

  SocketTable sockets(survey, proc_);
  if (request.sockets) read_sockets(pids, sockets);
  const auto hidden_calls = read_processes(request, pids, survey, sockets);
  const bool count_only = !request.names && !request.sockets && !request.details;
  const auto unproved_files = count_only ? 0 : find_shared_files(survey);
  say_what_is_hidden(survey, hidden_calls, unproved_files);
  if (request.waits) read_thread_waits(survey);
  survey.took = BootClock::now() - survey.taken;
  return survey;
}

void ProcSurvey::read_sockets(const std::vector<std::int32_t>& pids, SocketTable& sockets) {
  const auto inode_of = [&](const ProcPath& path) -> std::uint32_t {
    const auto link = reader_.link(proc_, path.c_str());
    return link ? parse_namespace_link(*link).value_or(0) : 0;
  };
  const auto own = inode_of(ProcPath(::getpid(), "/ns/net"));
  // A process of each namespace, to enter by.
  std::map<std::uint32_t, Pid> namespaces = {{own, Pid(::getpid())}};
  for (const auto pid : pids) {
    const auto inode = inode_of(ProcPath(pid, "/ns/net"));
    if (inode != 0) namespaces.try_emplace(inode, Pid(pid));
  }
  for (const auto& [inode, pid] : namespaces) sockets.add_namespace(pid, inode, inode == own);
}

std::uint64_t ProcSurvey::read_processes(const SurveyRequest& request,
                                         const std::vector<std::int32_t>& pids, Survey& survey,
                                         SocketTable& sockets) {
  ProcessReader processes(survey, request);
  DescriptorReader descriptors(survey, request, proc_, sockets);
  for (const auto pid : pids) {
    // Held open, the directory stays this process's: a successor of the same number is not met.
    const auto directory = open_directory(proc_, ProcPath(pid).c_str());
    if (!directory) continue;
    const auto index = processes.read(directory, Pid(pid));
    if (!index || !wants(request, Pid(pid)) || survey.processes.back().error != 0) continue;
    if (!descriptors.read(directory, *index)) processes.forget_last();
  }
  return processes.hidden_calls();
}

void ProcSurvey::say_what_is_hidden(Survey& survey, std::uint64_t hidden_calls,
                                    std::uint64_t unproved_files) {
  const auto blind = [&](std::string what, std::string remedy) {
    survey.blinds.push_back({.what = std::move(what), .remedy = std::move(remedy)});
  };
  const std::string privileged = ::geteuid() == 0
                                     ? "a security module of this machine denies it to root"
                                     : "run plumb as root";
  if (!why_.empty()) {
    blind(fmt::format("kernel's own tables, by BPF; /proc was read instead: {}", why_),
          ::geteuid() == 0 ? "see the reason" : "run plumb as root");
  }
  const auto closed = std::count_if(survey.processes.begin(), survey.processes.end(),
                                    [](const Process& p) { return p.error != 0; });
  if (closed > 0) {
    blind(fmt::format("descriptors of {} processes of other users", closed), privileged);
  }
  if (hidden_calls > 0) {
    blind(fmt::format("what {} threads wait for", hidden_calls), privileged);
  }
  if (unproved_files > 0) {
    blind(fmt::format("whether {} descriptors are shared", unproved_files),
          privileged + ", or the kernel lacks CONFIG_KCMP");
  }
}

}  // namespace

Result<std::unique_ptr<SurveySource>> open_proc_survey(std::string why) {
  auto proc = UniqueFd::open("/proc", O_RDONLY | O_DIRECTORY);
  if (!proc) return std::move(proc).error();
  struct stat self {};
  if (::fstatat(proc->get(), "self/stat", &self, 0) != 0) {
    return fail("survey", "/proc", errno, "mount it: mount -t proc proc /proc");
  }
  return std::unique_ptr<SurveySource>(
      std::make_unique<ProcSurvey>(std::move(*proc), std::move(why)));
}

}  // namespace plumb::detect
