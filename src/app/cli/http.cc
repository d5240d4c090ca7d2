// SPDX-License-Identifier: Apache-2.0
// plumb http: exchanges on the wire, and why they do not end.
#include <memory>

#include "app/cli/choose.h"
#include "app/cli/commands.h"
#include "app/cli/http_run.h"
#include "app/cli/looking.h"
#include "app/cli/option_values.h"

namespace plumb::app {
namespace {

struct Options {
  std::vector<std::string> selectors;
  std::string duration;
  bool json = false;
  bool secrets = false;
  std::string har;
};

Exit run(Context& context, const Options& options) {
  HttpPlan plan;
  if (!read_duration("--for", options.duration, plan.duration)) return Exit::kUsage;
  auto chosen = choose_processes(options.selectors);
  if (!chosen) return Exit::kUsage;
  plan.processes = *std::move(chosen);
  plan.json = options.json;
  plan.har = options.har;
  plan.secrets = options.secrets ? detect::Secrets::kShow : detect::Secrets::kMask;
  return run_http(context, plan);
}

}  // namespace

Command add_http(CLI::App& plumb) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      plumb.add_subcommand("http", "Show HTTP exchanges as they pass, and why one does not end");
  command->add_option("SELECTOR", options->selectors, kSelectorHelp)->type_name("")->required();
  command->add_option("--for", options->duration, "End after this long (else at ^C)")
      ->type_name("DURATION");
  command->add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command->add_option("--har", options->har, "Write an HTTP archive for browsers' tools")
      ->type_name("FILE");
  command->add_flag("--secrets", options->secrets,
                    "Print credentials, cookies, keys and tokens as they are");
  command->footer(
      "\nExamples:\n"
      "  plumb http nginx --for 30s       what nginx is asked, and what it asks\n"
      "  plumb http :8118                 both legs through the proxy on port 8118\n"
      "  plumb http 812 --har out.har --for 1m\n");
  return {command, [options](Context& context) { return run(context, *options); }};
}

}  // namespace plumb::app
