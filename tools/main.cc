// mobula: starts, stops and looks at sessions. Exit status: 0 fine, 1 failed, 2 wrong usage, 3 found what it looks for.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>

#include "base/command_pages.h"
#include "base/limits.h"
#include "base/units.h"
#include "tools/command.h"
#include "tools/command_chaos.h"
#include "tools/command_doctor.h"
#include "tools/command_leaks.h"
#include "tools/command_list.h"
#include "tools/command_logs.h"
#include "tools/command_memory.h"
#include "tools/command_metrics.h"
#include "tools/command_report.h"
#include "tools/command_timeline.h"
#include "tools/command_top.h"
#include "tools/command_trace.h"
#include "tools/commands.h"

namespace mobula::tools {
namespace {

// Commands in files of their own; the others are added below.
// clang-format off
constexpr Command (*kCommands[])(CLI::App &app, Choice *choice) = {
    add_memory,
    add_leaks,
    add_list,
    add_summary,
    add_metrics,
    add_report,
    add_top,
    add_trace,
    add_timeline,
    add_chaos,
    add_logs,
    add_doctor,
};
// clang-format on

struct CommandLine {
  Choice choice;
  StartOptions start;
  std::string object;
  std::string size;
  std::string name;
  bool all = false;
};

std::string check_size(const std::string &text) {
  if (base::parse_bytes(text)) return "";
  return "'" + text + "' is no size: give bytes, or a number with KiB, MiB or GiB, such as 512MiB";
}

std::string check_memory(const std::string &text) {
  const std::optional<std::uint64_t> bytes = base::parse_bytes(text);
  if (!bytes) return check_size(text);
  if (*bytes >= base::kCapacityBytesMin) return "";
  return "'" + text + "' is too small: the least is " + base::format_bytes(base::kCapacityBytesMin);
}

CLI::App *add_command(CLI::App &app, const std::string &name, const std::string &text, CommandLine *line) {
  return add_command(app, name, text, &line->choice);
}

void add_start(CLI::App &app, CommandLine *line) {
  CLI::App *const command = add_command(app, "start", "Start a session; returns when programs can connect to it", line);
  command->get_option("--session")->description("Name of the session (default: RAY_ADDRESS, else 'default')");
  command->add_option("--workers", line->start.workers, "Tasks that run at the same time (default: the online CPUs)")
      ->check(CLI::Range(1u, base::kWorkersMax));
  command->add_option("--memory", line->start.memory, "Size of the object store, such as 512MiB (default 1GiB)")
      ->check(CLI::Validator(check_memory, "SIZE"));
  command->add_option("--num-gpus", line->start.gpus, "GPUs that tasks and actors may ask for (default: none)");
  command->add_option("--resources", line->start.resources,
                      "Other resources that they may ask for, as JSON: '{\"name\": 1, \"other\": 0.5}'");
  command->add_option("--metrics-port", line->start.metrics_port,
                      "Serve metrics for Prometheus on this port of 127.0.0.1; 0: any that is free");
  command
      ->add_option("--ref-log", line->start.log_records,
                   "Events of references to keep for `mobula trace`, such as 100000 (default: MOBULA_REF_LOG, else 0)")
      ->check(CLI::Range(0u, base::kLogRecordsMax));
  command->add_option("--library", line->start.libraries, "Shared library with the workers' functions; may be repeated")
      ->check(CLI::ExistingFile);
}

void add_pin(CLI::App &app, CommandLine *line) {
  for (const auto &[name, text] : {std::pair{"pin", "Keep an object until it is unpinned or the session ends"},
                                   std::pair{"unpin", "Take the session's pin off an object"}}) {
    CLI::App *const command = add_command(app, name, text, line);
    command->add_option("object", line->object, "Its id, as `mobula memory` lists it")->required();
  }
}

void add_passes(CLI::App &app, CommandLine *line) {
  CLI::App *const command =
      add_command(app, "evict", "Free retained objects that nobody refers to, least recently taken first", line);
  command->add_option("size", line->size, "How much, such as 64MiB (default: all of them)")
      ->check(CLI::Validator(check_size, "SIZE"));
  add_command(app, "names", "List the session's names and their objects", line);
  CLI::App *const unpublish = add_command(app, "unpublish", "Take a name off its object", line);
  CLI::Option *const name = unpublish->add_option("name", line->name, "As `mobula names` lists it");
  unpublish->add_flag("--all", line->all, "Take all names off")->excludes(name);
  add_command(app, "gc", "Free objects that only refer to each other, and list them", line);
}

Status run(const CLI::App &app, const CommandLine &line) {
  if (app.got_subcommand("start")) return start(line.choice, line.start, std::cout);
  if (app.got_subcommand("stop")) return stop(line.choice, std::cout);
  if (app.got_subcommand("status")) return status(line.choice, std::cout);
  if (app.got_subcommand("pin")) return pin(line.choice, line.object, true, std::cout);
  if (app.got_subcommand("unpin")) return pin(line.choice, line.object, false, std::cout);
  if (app.got_subcommand("evict")) return evict(line.choice, base::parse_bytes(line.size), std::cout);
  if (app.got_subcommand("names")) return names(line.choice, std::cout);
  if (app.got_subcommand("unpublish")) {
    if (!line.name.empty() || line.all) return unpublish(line.choice, line.name, std::cout);
    return base::failure(Code::kInvalidArgument, "unpublish: give a name, or --all");
  }
  return collect(line.choice, std::cout);
}

// Help and version count as errors of parsing, too.
int explain(const CLI::App &app, const CLI::ParseError &error) {
  const std::vector<std::string> unknown = app.remaining();
  const bool is_bad_command = app.get_subcommands().empty() && !unknown.empty() && error.get_exit_code() != 0;
  if (!is_bad_command) return app.exit(error) == 0 ? 0 : kWrongUsage;
  std::string names;
  for (const CLI::App *command : app.get_subcommands({})) {
    if (!names.empty()) names += ", ";
    names += command->get_name();
  }
  std::cerr << "mobula: '" << unknown[0] << "' is no command: use one of " << names << " (mobula --help)\n";
  return kWrongUsage;
}

std::vector<Command> add_all(CLI::App &app, CommandLine *line) {
  add_common(app, &line->choice);
  add_start(app, line);
  add_command(app, "stop", "End a session and all its processes; returns when they are gone", line);
  add_command(app, "status", "Show workers, clients, store and tasks of a session", line);
  std::vector<Command> commands;
  for (const auto &add : kCommands) commands.push_back(add(app, &line->choice));
  add_pin(app, line);
  add_passes(app, line);
  return commands;
}

int parse_and_run(int argc, char **argv) {
  CommandLine line;
  CLI::App app("Mobula: sessions of tasks and shared objects on this machine.", "mobula");
  app.set_version_flag("--version", "mobula " MOBULA_VERSION);
  app.footer(
      "Exit status: 0 fine, 1 failed (such as no session), 2 wrong usage, 3 found what it looks for: doctor ledgers "
      "that differ, leaks a leak, chaos what stays.");
  const std::vector<Command> commands = add_all(app, &line);
  base::add_page_options(&app, MOBULA_VERSION);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return explain(app, error);
  }
  int exit_status = kFine;
  const auto own =
      std::find_if(commands.begin(), commands.end(), [](const Command &command) { return command.app->parsed(); });
  const Status status = own != commands.end() ? own->run(std::cout, &exit_status) : run(app, line);
  if (status == nullptr) return exit_status;
  std::cerr << "mobula: " << status->message << "\n";
  return kFailed;
}

}  // namespace
}  // namespace mobula::tools

int main(int argc, char **argv) {
  try {
    return mobula::tools::parse_and_run(argc, argv);
  } catch (const std::exception &fault) {
    std::cerr << "mobula: " << fault.what() << "\n";
    return mobula::tools::kFailed;
  }
}
