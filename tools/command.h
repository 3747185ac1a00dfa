// tools/command.h: one command of `mobula` that lies in files of its own: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/error.h"
#include "segment/segment.h"
#include "tools/commands.h"

namespace mobula::tools {

// What the process answers to its caller.
constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr int kFound = 3;  // what the command looks for: ledgers that differ, leaks

struct Command {
  CLI::App *app = nullptr;
  // `exit_status` is kFine unless it is set; a Status means kFailed.
  std::function<Status(std::ostream &output, int *exit_status)> run;
};

// A subcommand that takes --session and --json, too. `choice` must outlive it.
CLI::App *add_command(CLI::App &app, const std::string &name, const std::string &text, Choice *choice);
// Those two, for `app` itself.
void add_common(CLI::App &app, Choice *choice);

// A session that is looked at from outside: its name, and its segment. Nobody is asked, so its raylet may be stopped.
struct Look {
  std::string session;
  int raylet_pid = 0;
  std::unique_ptr<segment::Segment> segment;
};
Status look_at(const Choice &choice, Look *look);

}  // namespace mobula::tools
