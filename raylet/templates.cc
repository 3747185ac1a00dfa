#include "raylet/templates.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "tasks/task_spec.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kDeathsMax = 3;  // of a template in a row, before it is given up

std::vector<std::string> environment_for(const std::string &socket_path, const Template &one,
                                         rlim_t descriptors_limit) {
  std::vector<std::string> variables;
  for (char **variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  std::string libraries;
  for (const std::string &library : one.libraries) libraries += (libraries.empty() ? "" : ":") + library;
  variables.push_back("MOBULA_TEMPLATE_NUMBER=" + std::to_string(one.number));
  variables.push_back("MOBULA_TEMPLATE_SOCKET=" + socket_path);
  variables.push_back("MOBULA_TEMPLATE_LIBRARIES=" + libraries);
  variables.push_back("MOBULA_TEMPLATE_DESCRIPTORS=" + std::to_string(descriptors_limit));
  return variables;
}

std::vector<char *> pointers_to(const std::vector<std::string> &words) {
  std::vector<char *> pointers;
  for (const std::string &word : words) pointers.push_back(const_cast<char *>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// 0, or an errno.
int spawn(const std::string &program, const std::vector<std::string> &arguments,
          const std::vector<std::string> &environment, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // The log and an embedded session's socket are open without close-on-exec; the user's programs must not keep them.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  // The raylet ignores these; the user's code must not inherit that.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGTTOU);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int code = posix_spawnp(pid, program.c_str(), &actions, &attributes, pointers_to(arguments).data(),
                                pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

}  // namespace

std::string worker_program() {
  if (const char *given = std::getenv("MOBULA_WORKER"); given != nullptr && given[0] != '\0') return given;
  std::error_code code;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", code).parent_path();
  // Installed: the same folder; in the build folder: raylet and worker.
  for (const char *place : {"mobula-worker", "../worker/mobula-worker"}) {
    const std::filesystem::path candidate = (folder / place).lexically_normal();
    if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return "mobula-worker";
}

Templates::Templates(asio::io_context &loop, std::string socket_path, std::string session, rlim_t descriptors_limit,
                     Edge edge)
    : loop_(loop),
      socket_path_(std::move(socket_path)),
      session_(std::move(session)),
      descriptors_limit_(descriptors_limit),
      edge_(std::move(edge)) {}

Template &Templates::add(std::uint32_t job) {
  auto added = std::make_unique<Template>();
  added->number = next_number_++;
  added->job = job;
  Template &one = *added;
  if (job == 0)
    of_session_.push_back(&one);
  else
    of_jobs_[job] = &one;
  all_[one.number] = std::move(added);
  edge_.added(one);
  return one;
}

Template &Templates::start_for_libraries(const std::vector<std::string> &libraries) {
  Template &one = add(0);
  one.program = worker_program();
  one.name = "mobula-worker";
  one.libraries = libraries;
  launch(one);
  return one;
}

Template &Templates::start_for_driver(std::uint32_t job, int program, const std::string &name,
                                      const std::vector<std::string> &libraries,
                                      const std::vector<std::string> &functions) {
  Template &one = add(job);
  // The descriptor, not the path: a rebuild during the run must not change the program.
  one.program = fmt::format("/proc/{}/fd/{}", getpid(), program);
  one.name = name;
  one.libraries = libraries;
  for (const std::string &function : functions) one.functions.insert(tasks::function_number(function));
  launch(one);
  return one;
}

Template &Templates::add_by_hand(pid_t pid) {
  Template &one = add(0);
  one.by_hand = true;
  one.pid = pid;
  watch(one);
  return one;
}

void Templates::launch(Template &one) {
  const std::vector<std::string> arguments{one.name, "--mobula-template", std::to_string(one.number), "--session",
                                           session_};
  const int code = spawn(one.program, arguments, environment_for(socket_path_, one, descriptors_limit_), &one.pid);
  if (code != 0)
    return give_up(one, fmt::format("cannot execute {} ({}): {}", one.program, one.name, std::strerror(code)));
  watch(one);
}

void Templates::watch(Template &one) {
  one.pidfd = ProcessWatch::start(loop_, one.pid, [this, number = one.number] {
    Template *const dead = find(number);
    if (dead != nullptr) on_death(*dead);
  });
}

void Templates::give_up(Template &one, const std::string &why) {
  if (std::exchange(one.failed, true)) return;
  edge_.failed(one, why);
}

Template *Templates::find(std::uint32_t number) {
  const auto found = all_.find(number);
  return found == all_.end() ? nullptr : found->second.get();
}

Template *Templates::find_pid(pid_t pid) {
  for (const auto &[number, one] : all_) {
    if (one->pid == pid) return one.get();
  }
  return nullptr;
}

Template *Templates::with_function(std::uint64_t function, std::uint32_t job) {
  const auto has_it = [&](const Template *one) { return !one->failed && one->functions.count(function) != 0; };
  const auto of_session = std::find_if(of_session_.begin(), of_session_.end(), has_it);
  if (of_session != of_session_.end()) return *of_session;
  const auto own = of_jobs_.find(job);
  return own != of_jobs_.end() && has_it(own->second) ? own->second : nullptr;
}

void Templates::on_hello(Template &one, std::shared_ptr<Connection> connection,
                         const std::vector<std::string> &functions) {
  one.connection = std::move(connection);
  for (const std::string &function : functions) one.functions.insert(tasks::function_number(function));
  const std::uint32_t wanted = std::exchange(one.wanted_workers, 0);
  one.unreported_workers -= wanted;  // counted again
  start_workers(one, wanted);
}

void Templates::start_workers(Template &one, std::uint32_t count) {
  if (count == 0) return;
  one.unreported_workers += count;
  if (one.connection)
    one.connection->send(wire::StartWorkers{count});
  else
    one.wanted_workers += count;
}

void Templates::on_worker_started(Template &one) {
  one.deaths = one.start_failures = 0;
  if (one.unreported_workers > 0) --one.unreported_workers;
}

void Templates::on_worker_failed(Template &one, std::uint32_t failures_max, const std::string &why) {
  if (one.unreported_workers > 0) --one.unreported_workers;
  if (!one.failed && ++one.start_failures > failures_max) give_up(one, why);
}

void Templates::on_death(Template &one) {
  if (one.pidfd) one.pidfd.reset();
  if (one.connection) one.connection->close();
  one.connection.reset();
  one.pid = 0;
  if (one.failed) return;
  edge_.died(one);
  one.unreported_workers = one.wanted_workers = 0;
  if (one.by_hand) return give_up(one, "the worker template that was launched by hand has ended");
  if (++one.deaths > kDeathsMax) {
    return give_up(one, fmt::format("the worker template of {} ended {} times in a row", one.name, one.deaths));
  }
  launch(one);
}

void Templates::kill(Template &one) {
  one.failed = true;
  if (one.pidfd) one.pidfd->kill();
  if (one.connection) one.connection->close();
  one.connection.reset();
}

void Templates::end_job(std::uint32_t job) {
  const auto own = of_jobs_.find(job);
  if (own == of_jobs_.end()) return;
  kill(*own->second);
  all_.erase(own->second->number);
  of_jobs_.erase(own);
}

void Templates::end_all() {
  for (const auto &[number, one] : all_) kill(*one);
}

}  // namespace mobula::raylet
