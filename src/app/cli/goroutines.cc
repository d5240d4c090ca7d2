// SPDX-License-Identifier: Apache-2.0
// plumb goroutines: what each goroutine of a Go process waits for, read from outside.
#include <memory>

#include "app/cli/choose.h"
#include "app/cli/commands.h"
#include "app/cli/goroutine_requests.h"
#include "app/cli/option_values.h"
#include "detect/report/goroutines_document.h"
#include "detect/symbol/go_runtime.h"
#include "detect/symbol/goroutine_reader.h"
#include "plumb/base/text.h"

namespace plumb::app {
namespace {

using namespace detect;

struct Options {
  std::vector<std::string> selectors;
  bool all = false;
  bool json = false;
  std::string pprof;
  bool http = false;
  std::string duration;
  std::string min_age = "5s";
  bool secrets = false;
};

Result<GoroutineSnapshot> look_at(Pid pid) {
  const ProcAccess access;
  ModuleCache modules;
  auto view = ProcessView::open(pid, access, modules);
  if (!view) return std::move(view).error();
  auto runtime = GoRuntime::find(*view);
  if (!runtime) return std::move(runtime).error();
  auto snapshot = read_goroutines(*runtime);
  if (!snapshot) return snapshot;
  auto name = read_file("/proc/" + std::to_string(number(pid)) + "/comm", 64);
  if (name) snapshot->name = name->substr(0, name->find('\n'));
  return snapshot;
}

// A pid needs no survey to be found.
std::optional<std::vector<Pid>> chosen(const std::vector<std::string>& selectors) {
  if (selectors.size() == 1) {
    if (const auto pid = parse_number<std::int32_t>(selectors.front())) return {{Pid{*pid}}};
  }
  return choose_processes(selectors);
}

Exit run_requests(Context& context, const Options& options, Pid process) {
  RequestsPlan plan;
  plan.process = process;
  plan.json = options.json;
  plan.secrets = options.secrets ? Secrets::kShow : Secrets::kMask;
  if (!read_duration("--for", options.duration, plan.duration)) return Exit::kUsage;
  const auto min_age = read_duration("--min-age", options.min_age);
  if (!min_age) return Exit::kUsage;
  plan.min_age = *min_age;
  return watch_requests(context, plan);
}

Exit run_goroutines(Context& context, const Options& options) {
  if (options.selectors.empty()) {
    complain("goroutines wants a SELECTOR: a pid, a name, :port, …");
    return Exit::kUsage;
  }
  const auto pids = chosen(options.selectors);
  if (!pids) return Exit::kUsage;
  if ((options.http || !options.pprof.empty()) && pids->size() != 1) {
    complain(std::string(options.http ? "--http" : "--pprof") + " takes one process; " +
             std::to_string(pids->size()) + " are chosen");
    return Exit::kUsage;
  }
  if (options.http) return run_requests(context, options, pids->front());
  const auto system = options.all ? SystemGoroutines::kKeep : SystemGoroutines::kLeaveOut;
  Exit status = Exit::kNotPossible;
  for (const Pid pid : *pids) {
    const auto snapshot = look_at(pid);
    if (!snapshot) {
      complain(snapshot.error().message());
      const bool gone = snapshot.error().code == ESRCH || snapshot.error().code == ENOENT;
      if (gone && pids->size() == 1) return Exit::kUsage;
      continue;
    }
    const GoroutinesDocument document = goroutines_document(*snapshot, system);
    if (!options.pprof.empty()) {
      const auto profile = [&](const Sink& sink) { write_goroutines_pprof(document, sink); };
      if (!write_file(options.pprof, profile)) return Exit::kNotPossible;
    } else if (options.json) {
      write_goroutines_json(document, context.out.sink());
    } else {
      if (status == Exit::kOk) context.out.write("\n");
      write_goroutines_text(document, context.paper(), context.out.sink());
    }
    status = Exit::kOk;
  }
  return status;
}

}  // namespace

Command add_goroutines(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = plumb.add_subcommand(
      "goroutines", "What each goroutine of a Go process waits for, without its help");
  command->add_option("SELECTOR", options->selectors,
                      "A pid, a command name, :port, a path, unit:NAME, cgroup:PATH");
  command->add_flag("--all", options->all, "The runtime's own goroutines too");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->add_option("--pprof", options->pprof, "Write a profile for go tool pprof instead")
      ->type_name("FILE");
  command->add_flag("--http", options->http,
                    "Watch its HTTP requests: which hold a connection, and who sent them");
  command->add_option("--for", options->duration, "With --http: end after this long (else at ^C)")
      ->type_name("DURATION");
  command
      ->add_option("--min-age", options->min_age, "With --http: what is younger is not told (5s)")
      ->type_name("DURATION");
  command->add_flag("--secrets", options->secrets,
                    "With --http: show the values in queries of URLs");
  command->footer(
      "Examples:\n"
      "  plumb goroutines 812                   groups by stack, largest first\n"
      "  plumb goroutines :8080 --json          of whoever listens there\n"
      "  plumb goroutines 812 --pprof g.pb.gz   for go tool pprof, also -diff_base\n"
      "  plumb goroutines 812 --http --for 2h   responses whose body nobody closed\n");
  return {command, [options](Context& context) { return run_goroutines(context, *options); }};
}

}  // namespace plumb::app
