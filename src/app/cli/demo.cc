// SPDX-License-Identifier: Apache-2.0
// plumb demo: a mystery in miniature, explained while it goes on.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "app/cli/commands.h"
#include "app/cli/demo_stage.h"
#include "app/cli/explain_run.h"
#include "app/cli/option_values.h"

namespace plumb::app {
namespace {

struct Options {
  std::string mystery = "proxy";
  std::string duration;
  std::string html;
  bool verbose = false;
};

// Each starts its programs and returns the victim.

Result<Pid> stage_proxy(DemoStage& stage) {
  const auto origin = stage.enter_server({"origin"});
  if (!origin) return origin.error();
  const auto proxy = stage.enter_server({"proxy", origin->port});
  if (!proxy) return proxy.error();
  return stage.enter({"editor", proxy->port});
}

Result<Pid> stage_body(DemoStage& stage) {
  const auto registry = stage.enter_server({"registry"});
  if (!registry) return registry.error();
  return stage.enter({"service", registry->port});
}

Result<Pid> stage_accept(DemoStage& stage) {
  const auto server = stage.enter_server({"server"});
  if (!server) return server.error();
  const auto clients = stage.enter({"clients", "90", server->port});
  if (!clients) return clients.error();
  return server->pid;
}

Result<Pid> stage_finalizer(DemoStage& stage) {
  return stage.enter_pair({"reactor"}, {"clients", "12"});
}

struct Mystery {
  std::string_view name;
  std::string_view story;
  std::string_view played_by;
  Result<Pid> (*begin)(DemoStage&);
};

constexpr std::array kMysteries = {
    Mystery{"proxy",
            "An editor sends a heartbeat again and again, through a proxy, by a child of its own.\n"
            "Its descriptors run out.",
            "editor, beat, proxy and origin, four small programs; nothing goes over a network.",
            stage_proxy},
    Mystery{"body",
            "A Go service with four periodic jobs holds more connections with every hour: one job\n"
            "calls a library that does not close the body of a refused answer.",
            "service and registry, in C++: the client's answer keeps its connection until it is\n"
            "finished, as a body does in Go.",
            stage_body},
    Mystery{"accept", "A server is at its limit of descriptors, and its clients wait.",
            "server, with a limit of 64, and clients, 90 of them that say nothing.", stage_accept},
    Mystery{
        "finalizer",
        "A Go server keeps only the number of its listener's duplicate; the garbage collector's\n"
        "finalizer closes the listener, and the port is gone.",
        "reactor, in C++ with a small collector of its own in place of Go's, and clients.",
        stage_finalizer},
};

Exit explain_victim(Context& context, const Options& options,
                    std::optional<std::chrono::nanoseconds> duration, Pid victim) {
  ExplainPlan plan;
  auto selector = detect::parse_selector(std::to_string(number(victim)));
  if (!selector) {
    complain(selector.error().message());
    return Exit::kUsage;
  }
  plan.victims.push_back(*std::move(selector));
  plan.outputs.everything = options.verbose;
  plan.outputs.html = options.html;
  plan.duration = duration;
  return run_explain(context, plan);
}

Exit run(Context& context, const Options& options) {
  std::optional<std::chrono::nanoseconds> duration;
  if (!read_duration("--for", options.duration, duration)) return Exit::kUsage;
  const auto mystery = std::ranges::find(kMysteries, options.mystery, &Mystery::name);
  auto stage = DemoStage::open();
  if (!stage) {
    complain(stage.error().message());
    return Exit::kNotPossible;
  }
  const auto victim = mystery->begin(*stage);
  if (!victim) {
    complain(victim.error().message());
    return Exit::kNotPossible;
  }
  context.out.write(fmt::format("{}\nPlayed by {}\n\nplumb explain {} says:\n\n", mystery->story,
                                mystery->played_by, number(*victim)));
  (void)context.out.finish();  // what cannot be written now is said at the end
  const Exit status = explain_victim(context, options, duration, *victim);
  const std::size_t ended = stage->clear();
  context.out.write(
      fmt::format("\nThe demonstration is over: its {} processes are ended.\n", ended));
  return status;
}

}  // namespace

Command add_demo(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      plumb.add_subcommand("demo", "Play a mystery with programs of plumb's own, and explain it");
  command->add_option("MYSTERY", options->mystery, "proxy, body, accept or finalizer")
      ->check(CLI::IsMember({"proxy", "body", "accept", "finalizer"}))
      ->type_name("");
  command
      ->add_option("--for", options->duration,
                   "Watch this long (else until the verdict is firm, 10 to 60 s)")
      ->type_name("DURATION");
  command->add_option("--html", options->html, "Write one page with the chain, charts and stacks")
      ->type_name("FILE");
  command->add_flag("-v,--verbose", options->verbose, "Tell of notes and of whole stacks too");
  command->footer(
      "\nExamples:\n"
      "  plumb demo                an editor's descriptors run out, because of a proxy\n"
      "  plumb demo accept         a server at its limit\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
