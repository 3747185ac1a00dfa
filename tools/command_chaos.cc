#include "tools/command_chaos.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/limits.h"
#include "base/units.h"
#include "tools/chaos.h"
#include "tools/chaos_report.h"
#include "tools/plot.h"

namespace mobula::tools {
namespace {

constexpr const char *kRateDefault = "1/s";
constexpr const char *kFlagGiven = "true";  // what the parser makes of an option without its value
constexpr std::int64_t kProgressMs = 1000;
constexpr std::int64_t kProgressMsElsewhere = 10'000;  // where no person is looking
constexpr int kJsonIndent = 2;

struct Words {
  std::string rates[kStrikeKinds] = {kRateDefault, "0", "0"};
  std::string duration;
  std::string plot;
  std::optional<std::uint64_t> seed;
  ChaosOptions options;
};

std::string check_rate(const std::string &text) {
  if (text == kFlagGiven || base::parse_rate_per_second(text)) return "";
  return "'" + text + "' is no rate: give one such as 5/s, 0.5/s or 30/min";
}

std::string check_time(const std::string &text) {
  const std::optional<std::int64_t> time_ms = base::parse_duration_ms(text);
  if (time_ms && *time_ms > 0) return "";
  return "'" + text + "' is no length of time: give one such as 30s, 2m or 1h";
}

std::string check_store(const std::string &text) {
  const std::optional<std::uint64_t> bytes = base::parse_bytes(text);
  if (bytes && *bytes >= base::kCapacityBytesMin) return "";
  return "'" + text + "' is no size of a store: give one such as 64MiB, at least " +
         base::format_bytes(base::kCapacityBytesMin);
}

double rate_of(const std::string &text) {
  return base::parse_rate_per_second(text == kFlagGiven ? kRateDefault : text).value_or(0);
}

Status write_plot(const std::string &path, const std::string &svg) {
  std::ofstream file(path);
  file << svg << std::flush;
  return file ? nullptr : base::failure(Code::kInvalidArgument, fmt::format("cannot write the plot to '{}'", path));
}

Status run(const Choice &choice, Words words, std::ostream &output, int *exit_status) {
  ChaosOptions &options = words.options;
  for (std::size_t i = 0; i < kStrikeKinds; ++i) options.rates.per_second[i] = rate_of(words.rates[i]);
  options.duration_ms = base::parse_duration_ms(words.duration).value_or(0);
  options.seed = words.seed ? *words.seed : std::random_device()();
  options.start.session = choice.session;
  // Before the run: nobody wants to wait for a plot that cannot be written.
  if (!words.plot.empty()) {
    if (Status status = write_plot(words.plot, "")) return status;
  }
  ChaosResult result;
  const std::int64_t progress_ms = isatty(STDERR_FILENO) != 0 ? kProgressMs : kProgressMsElsewhere;
  if (Status status = run_chaos(options, progress_ms, std::cerr, &result)) return status;
  if (!words.plot.empty()) {
    if (Status status = write_plot(words.plot, chaos_svg(options, result))) return status;
  }
  if (choice.json) {
    // What the program has written may be any bytes.
    output << chaos_json(options, result).dump(kJsonIndent, ' ', false, nlohmann::json::error_handler_t::replace)
           << "\n";
  } else {
    output << chaos_text(options, result, terminal_knows_utf8());
  }
  output << std::flush;
  const Verdict verdict = verdict_of(result);
  if (verdict == Verdict::kNothingTested)
    return base::failure(Code::kInvalidArgument, nothing_tested_text(options, result));
  *exit_status = verdict == Verdict::kClean ? kFine : kFound;
  return nullptr;
}

void add_strikes(CLI::App &command, Words *words) {
  const CLI::Validator rate(check_rate, "RATE");
  command.add_option("--kill-workers", words->rates[0], "Kill workers (SIGKILL) so often, such as 5/s; 0: none")
      ->expected(0, 1)
      ->check(rate)
      ->capture_default_str();
  command.add_option("--kill-drivers", words->rates[1], "Kill drivers; without a rate 1/s (default: none)")
      ->expected(0, 1)
      ->check(rate);
  command
      .add_option("--stop-workers", words->rates[2],
                  "Stop workers (SIGSTOP) for up to a second; without a rate 1/s (default: none)")
      ->expected(0, 1)
      ->check(rate);
  command.add_option("--seed", words->seed, "Repeat the instants and choices of a run (default: random)");
}

}  // namespace

Command add_chaos(CLI::App &app, Choice *choice) {
  CLI::App *const command = add_command(
      app, "chaos", "Run a program again and again under kills, and report what stays; status 3 when something does",
      choice);
  command->get_option("--session")->description("Name of the session that is started (default: chaos-PID)");
  const auto words = std::make_shared<Words>();
  StartOptions &start = words->options.start;
  add_strikes(*command, words.get());
  command->add_option("--for", words->duration, "How long, such as 30s or 2m")
      ->required()
      ->check(CLI::Validator(check_time, "TIME"));
  command->add_option("--workers", start.workers, "Tasks that run at the same time (default: the online CPUs)")
      ->check(CLI::Range(1u, base::kWorkersMax));
  command->add_option("--memory", start.memory, "Size of the object store, such as 64MiB (default 1GiB)")
      ->check(CLI::Validator(check_store, "SIZE"));
  command->add_option("--library", start.libraries, "Shared library with the workers' functions; may be repeated")
      ->expected(1)
      ->check(CLI::ExistingFile);
  command->add_option("--plot", words->plot, "Write bytes and references over time to this SVG file");
  command->add_option("program", words->options.program, "After --: the program and its arguments")->required();
  command->positionals_at_end();
  return {command, [choice, words](std::ostream &output, int *exit_status) {
            return run(*choice, *words, output, exit_status);
          }};
}

}  // namespace mobula::tools
