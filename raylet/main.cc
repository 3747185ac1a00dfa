// mobula-raylet: parses its options, builds the parts, runs.
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "base/units.h"
#include "raylet/raylet.h"
#include "wire/socket.h"

namespace mobula::raylet {
namespace {

constexpr std::size_t kLogBytesMax = 1u << 20;
constexpr std::size_t kLogFilesMax = 2;
constexpr char kReady = '+';

struct CommandLine {
  Options options;
  std::string memory;
  bool foreground = false;
  std::string log_level = "info";
};

// Needs more descriptors than most: a pidfd, a socket and two pipes for each worker.
void raise_descriptor_limit(Options *options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  options->descriptors_limit = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int parse(int argc, char **argv, CommandLine *line) {
  CLI::App app("The raylet of a Mobula session: shared-memory object store and task scheduler of one machine.");
  app.add_option("--session", line->options.session, "Name of the session")->capture_default_str();
  app.add_option("--workers", line->options.workers, "Tasks that run at the same time (default: the online CPUs)")
      ->check(CLI::Range(1u, base::kWorkersMax));
  app.add_option("--memory", line->memory, "Size of the object store, such as 1GiB (default 1GiB)");
  app.add_option("--library", line->options.libraries, "Shared library with the workers' functions; may be repeated")
      ->check(CLI::ExistingFile);
  app.add_flag("--foreground", line->foreground, "Stay in the foreground and log to the terminal");
  app.add_option("--log-level", line->log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_flag("--embedded", line->options.embedded)->group("");
  app.add_option("--driver-socket", line->options.driver_socket)->group("");
  line->options.workers = std::max(1u, std::thread::hardware_concurrency());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    const int code = app.exit(error);
    return code == 0 ? -1 : 2;
  }
  if (line->memory.empty()) return 0;
  const std::optional<std::uint64_t> bytes = base::parse_bytes(line->memory);
  if (!bytes) {
    std::cerr << "mobula-raylet: --memory is '" << line->memory << "': give bytes, or a number with KiB, MiB or GiB\n";
    return 2;
  }
  line->options.memory_bytes = *bytes;
  return 0;
}

void log_to(const CommandLine &line, const SessionFolder &folder) {
  std::shared_ptr<spdlog::logger> logger;
  if (line.foreground)
    logger = spdlog::stderr_color_mt("raylet");
  else
    logger = spdlog::rotating_logger_mt("raylet", folder.log_path(), kLogBytesMax, kLogFilesMax);
  logger->set_level(spdlog::level::from_str(line.log_level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

// Tells whoever started us: a '+' and perhaps a notice, or the words of the error.
void tell(int pipe, const Status &status, const std::string &notice) {
  const std::string text = status == nullptr ? kReady + notice : status->message;
  static_cast<void>(!write(pipe, text.data(), text.size()));
  close(pipe);
}

void refuse_driver(int socket, const std::string &why) {
  if (socket >= 0) static_cast<void>(wire::send(socket, wire::Refused{why}));
}

int serve(const CommandLine &line, int ready_pipe) {
  std::unique_ptr<SessionFolder> folder;
  std::unique_ptr<segment::Segment> segment;
  std::string notice;
  Status status = SessionFolder::create(line.options.session, &folder);
  if (status == nullptr) status = segment::Segment::create(line.options.memory_bytes, &segment, &notice);
  if (status != nullptr) {
    refuse_driver(line.options.driver_socket, status->message);
    if (ready_pipe >= 0)
      tell(ready_pipe, status, notice);
    else if (!line.options.embedded)
      std::cerr << "mobula-raylet: " << status->message << "\n";
    return 1;
  }
  if (!notice.empty() && ready_pipe < 0) std::cerr << "mobula-raylet: " << notice << "\n";
  log_to(line, *folder);
  Raylet raylet(line.options, std::move(segment), std::move(folder));
  raylet.on_ready([&](Status ready) {
    if (ready_pipe >= 0)
      tell(ready_pipe, ready, notice);
    else if (ready != nullptr)
      std::cerr << "mobula-raylet: " << ready->message << "\n";
  });
  return raylet.run();
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
    return serve(line, pipe_ends[1]);
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
  CommandLine line;
  if (const int code = parse(argc, argv, &line)) return code < 0 ? 0 : code;
  raise_descriptor_limit(&line.options);
  signal(SIGPIPE, SIG_IGN);
  try {
    if (line.foreground || line.options.embedded) return serve(line, -1);
    return serve_in_background(line);
  } catch (const std::exception &fault) {
    spdlog::critical("the raylet ends: {}", fault.what());
    std::cerr << "mobula-raylet: " << fault.what() << "\n";
    return 1;
  }
}
