#include "tools/command_leaks.h"

#include "base/clock.h"
#include "tools/duration.h"
#include "tools/leak_report.h"

namespace mobula::tools {
namespace {

struct LeakOptions {
  std::string min_age = "60s";
  std::string since;
  std::string save;
  std::size_t limit = 20;
  bool all = false;
};

Status run(const Choice &choice, const LeakOptions &options, std::ostream &output, int *exit_status) {
  Snapshot before;
  if (!options.since.empty()) {
    if (Status status = load_snapshot(options.since, &before)) return status;
  }
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  const tasks::Holdings holdings = tasks::read_holdings(*look.segment, base::monotonic_ns(), is_alive);
  Labels labels(*look.segment, holdings);
  LeakReport report(*look.segment, holdings, labels, look.session, *parse_duration(options.min_age));
  if (options.all) report.set_all();
  if (!options.since.empty() || !options.save.empty()) {
    const Snapshot now = take_snapshot(holdings, labels);
    if (!options.since.empty()) report.set_growth(options.since, compare(before, now));
    if (!options.save.empty()) {
      if (Status status = save_snapshot(now, options.save)) return status;
    }
  }
  if (choice.json)
    report.json(output);
  else
    output << report.text(options.limit);
  if (!report.leaks().leaks.empty()) *exit_status = kFound;
  return nullptr;
}

}  // namespace

Command add_leaks(CLI::App &app, Choice *choice) {
  const auto options = std::make_shared<LeakOptions>();
  CLI::App *const command = add_command(
      app, "leaks", "Name what nothing has needed for some time, and who holds it; silent when clean, else status 3",
      choice);
  command->add_option("--min-age", options->min_age, "How long, such as 90s, 500ms or 5min")
      ->check(CLI::Validator(check_duration, "TIME"))
      ->capture_default_str();
  command->add_option("--save", options->save, "File to write what the session holds to, by line");
  command->add_option("--since", options->since, "File of an earlier --save: tells what has grown, too");
  command->add_option("--limit", options->limit, "Leaks to tell in detail; --json always gives all")
      ->capture_default_str();
  command->add_flag("--all", options->all, "Tell what is kept on purpose, too: named, weakly held, retained");
  return {command,
          [choice, options](std::ostream &output, int *status) { return run(*choice, *options, output, status); }};
}

}  // namespace mobula::tools
