// mobula-raylet: parses its options, builds the parts, runs.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "base/command_pages.h"
#include "base/crash_points.h"
#include "base/error.h"
#include "base/units.h"
#include "raylet/serve.h"
#include "tasks/resources_text.h"

namespace mobula::raylet {
namespace {

constexpr std::int64_t kSampleMsMax = 3'600'000;

struct CommandLine {
  Service service;
  std::string memory;
  std::string resources;
  std::string on_deadlock = "error";
};

// Needs more descriptors than most: a pidfd, a socket and two pipes for each worker.
void raise_descriptor_limit(Options *options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  options->descriptors_limit = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// What the options' own checks cannot see. False: it was said what is wrong.
bool check(CommandLine *line) {
  Options &options = line->service.options;
  if (options.evict_below_percent > options.evict_above_percent) {
    std::cerr << "mobula-raylet: --evict-below " << options.evict_below_percent << " is more than --evict-above "
              << options.evict_above_percent << "\n";
    return false;
  }
  std::string why;
  std::optional<tasks::Quantities> resources = tasks::parse_resources(line->resources, &why);
  if (!resources) {
    std::cerr << "mobula-raylet: --resources: " << why << "\n";
    return false;
  }
  options.resources = std::move(*resources);
  options.deadlocks_warn_only = line->on_deadlock == "warn";
  if (line->memory.empty()) return true;
  const std::optional<std::uint64_t> bytes = base::parse_bytes(line->memory);
  if (!bytes) {
    std::cerr << "mobula-raylet: --memory is '" << line->memory << "': give bytes, or a number with KiB, MiB or GiB\n";
    return false;
  }
  options.memory_bytes = *bytes;
  return true;
}

int parse(int argc, char **argv, CommandLine *line) {
  CLI::App app("The raylet of a Mobula session: shared-memory object store and task scheduler of one machine",
               "mobula-raylet");
  app.set_version_flag("--version", "mobula-raylet " MOBULA_VERSION);
  base::add_page_options(&app, MOBULA_VERSION);
  app.add_option("--session", line->service.options.session, "Name of the session")->capture_default_str();
  app.add_option("--workers", line->service.options.workers,
                 "Tasks that run at the same time (default: the online CPUs)")
      ->check(CLI::Range(1u, base::kWorkersMax));
  app.add_option("--num-gpus", line->service.options.gpus, "GPUs that tasks and actors may ask for (default: none)")
      ->check(CLI::Range(0u, tasks::kDevicesMax));
  app.add_option("--resources", line->resources,
                 "Other resources that they may ask for, as JSON: '{\"name\": 1, \"other\": 0.5}'");
  app.add_option("--memory", line->memory, "Size of the object store, such as 1GiB (default 1GiB)");
  app.add_option("--evict-above", line->service.options.evict_above_percent,
                 "Percent of the store in use above which retained objects are evicted ahead of need")
      ->check(CLI::Range(1u, 100u))
      ->capture_default_str();
  app.add_option("--evict-below", line->service.options.evict_below_percent, "Percent at which that ends")
      ->check(CLI::Range(0u, 100u))
      ->capture_default_str();
  app.add_option("--library", line->service.options.libraries,
                 "Shared library with the workers' functions; may be repeated")
      ->check(CLI::ExistingFile);
  app.add_option("--ref-log", line->service.options.log_records,
                 "Events of references that are kept in the segment, for mobula trace (0: none)")
      ->envname("MOBULA_REF_LOG")
      ->check(CLI::Range(0u, base::kLogRecordsMax));
  app.add_option("--sample-ms", line->service.options.sample_ms,
                 "Time between samples of what the session holds, for mobula report (0: none)")
      ->envname("MOBULA_SAMPLE_MS")
      ->check(CLI::Range(std::int64_t{0}, kSampleMsMax))
      ->capture_default_str();
  app.add_option("--metrics-port", line->service.options.metrics_port,
                 "Serve metrics for Prometheus on this port of 127.0.0.1; 0: any that is free (default: not served)");
  app.add_flag("--foreground", line->service.foreground, "Stay in the foreground and log to the terminal");
  app.add_option("--on-deadlock", line->on_deadlock,
                 "Tasks that wait for each other: one of them fails (error), or it is only logged (warn)")
      ->envname("MOBULA_DEADLOCK")
      ->check(CLI::IsMember({"error", "warn"}))
      ->capture_default_str();
  app.add_option("--log-level", line->service.log_level,
                 "The least level that is logged: debug, info, warning or error")
      ->envname("MOBULA_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_flag("--embedded", line->service.options.embedded)->group("");
  app.add_option("--driver-socket", line->service.options.driver_socket)->group("");
  line->service.options.workers = std::max(1u, std::thread::hardware_concurrency());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    const int code = app.exit(error);
    return code == 0 ? -1 : 2;
  }
  return check(line) ? 0 : 2;
}

// Goes to the background; the parent returns when the session can be used.
int serve_in_background(const CommandLine &line) {
  int pipe_ends[2] = {-1, -1};
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) base::throw_errno("pipe2");
  const pid_t child = fork();
  if (child < 0) base::throw_errno("fork");
  if (child == 0) {
    close(pipe_ends[0]);
    setsid();
    const int nothing = open("/dev/null", O_RDWR);
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, descriptor);
    return serve(line.service, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  if (!answer.empty() && answer[0] == kReady) {
    if (answer.size() > 1) std::cerr << "mobula-raylet: " << answer.substr(1) << "\n";
    return 0;
  }
  waitpid(child, nullptr, 0);
  std::cerr << "mobula-raylet: " << (answer.empty() ? "it ended before it was ready" : answer) << "\n";
  return 1;
}

}  // namespace
}  // namespace mobula::raylet

int main(int argc, char **argv) {
  using namespace mobula::raylet;
  mobula::base::set_crash_role(mobula::base::CrashRole::kRaylet);
  CommandLine line;
  if (const int code = parse(argc, argv, &line)) return code < 0 ? 0 : code;
  raise_descriptor_limit(&line.service.options);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTTOU, SIG_IGN);  // an embedded raylet is in the background and writes workers' lines to the terminal
  try {
    if (line.service.foreground || line.service.options.embedded) return serve(line.service, -1);
    return serve_in_background(line);
  } catch (const std::exception &fault) {
    std::cerr << "mobula-raylet: " << fault.what() << "\n";
    return 1;
  }
}
