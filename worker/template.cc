#include "worker/template.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "client/functions.h"
#include "segment/layout.h"
#include "wire/socket.h"
#include "worker/worker.h"

namespace mobula::worker {
namespace {

std::optional<std::string> take_variable(const char *name) {
  const char *value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string copy(value);
  unsetenv(name);
  return copy;
}

// Empty when all loaded; else what went wrong.
std::string load_libraries(const std::vector<std::string> &libraries) {
  for (const std::string &library : libraries) {
    if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) return fmt::format("cannot load: {}", dlerror());
  }
  return {};
}

std::size_t count_threads() {
  std::error_code code;
  const std::filesystem::directory_iterator threads("/proc/self/task", code);
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

// Why no worker can be forked from this process; empty when one can.
std::string obstacle(const TemplateOptions &options) {
  const std::string missing = load_libraries(options.libraries);
  if (!missing.empty()) return missing;
  if (const std::optional<std::string> conflict = client::Functions::instance().conflict()) {
    return fmt::format("two different functions are registered under the name '{}'", *conflict);
  }
  const std::size_t threads = count_threads();
  if (threads == 1) return {};
  return fmt::format(
      "static initialisers of the program or its libraries have started {} threads: a process with threads "
      "cannot fork workers; start them in main or in the task",
      threads - 1);
}

void restore_descriptor_limit(const TemplateOptions &options) {
  rlimit limit{};
  if (!options.descriptors_limit || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = *options.descriptors_limit;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Waits until the process is gone and its children have been given to their new parent.
void wait_for_end(pid_t pid) {
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return;
  pollfd gone{pidfd, POLLIN, 0};
  while (poll(&gone, 1, -1) < 0 && errno == EINTR) {
  }
  close(pidfd);
}

class Template {
 public:
  explicit Template(const TemplateOptions &options) : options_(options) {}
  int run();

 private:
  bool say_hello(const std::string &obstacle);
  void serve_requests();
  void fork_worker();
  pid_t fork_through_helper();

  const TemplateOptions &options_;
  base::File socket_;
  std::uint32_t number_ = 0;
  pid_t workers_parent_ = 0;  // who a worker's death is told to, and whose death ends it
};

int Template::run() {
  // Dies with the raylet. By hand: the end of the socket tells.
  if (options_.number != 0)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  else
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Status status = wire::connect_to_path(options_.socket_path, &socket_);
  if (status != nullptr) {
    std::cerr << "mobula-worker: " << status->message << "\n";
    return 1;
  }
  const std::string why = obstacle(options_);
  if (!say_hello(why)) return 1;
  if (!why.empty()) {
    std::cerr << "mobula-worker: " << why << "\n";
    return 1;
  }
  restore_descriptor_limit(options_);
  serve_requests();
  return 0;
}

bool Template::say_hello(const std::string &obstacle) {
  wire::Hello hello;
  hello.layout_version = segment::kLayoutVersion;
  hello.layout_fingerprint = segment::layout_fingerprint();
  hello.role = wire::Role::kTemplate;
  hello.template_number = options_.number;
  if (obstacle.empty())
    hello.functions = client::Functions::instance().names();
  else
    hello.arguments = {obstacle};
  wire::Message answer;
  Status status = wire::send(socket_.get(), hello);
  if (status == nullptr) status = wire::receive(socket_.get(), &answer);
  const auto *refused = std::get_if<wire::Refused>(&answer);
  if (status != nullptr || refused != nullptr) {
    std::cerr << "mobula-worker: " << (refused != nullptr ? refused->message : status->message) << "\n";
    return false;
  }
  const auto *welcome = std::get_if<wire::Welcome>(&answer);
  number_ = welcome == nullptr ? 0 : welcome->client_id;
  workers_parent_ = options_.number != 0 && welcome != nullptr ? welcome->raylet_pid : getpid();
  return welcome != nullptr;
}

void Template::serve_requests() {
  if (options_.number == 0)
    signal(SIGCHLD, SIG_IGN);  // by hand we are the workers' parent: nobody asks for their status
  for (;;) {
    wire::Message message;
    if (wire::receive(socket_.get(), &message) != nullptr) return;
    const auto *start = std::get_if<wire::StartWorkers>(&message);
    if (start == nullptr) continue;
    for (std::uint32_t i = 0; i < start->count; ++i) fork_worker();
  }
}

// A helper forks the worker and exits, so that the worker becomes a child of the raylet: which then learns how it
// ended,
// whatever becomes of this template.
pid_t Template::fork_through_helper() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  const pid_t helper = fork();
  if (helper == 0) {
    const pid_t helper_pid = getpid();
    pid_t worker = fork();
    if (worker != 0) {
      static_cast<void>(!write(ends[1], &worker, sizeof worker));
      _exit(0);
    }
    signal(SIGCHLD, SIG_DFL);
    wait_for_end(helper_pid);
    close(ends[0]);
    close(ends[1]);
    socket_.reset();
    run_worker({options_.socket_path, number_, workers_parent_});
  }
  close(ends[1]);
  pid_t worker = -1;
  if (helper > 0 && read(ends[0], &worker, sizeof worker) != sizeof worker) worker = -1;
  close(ends[0]);
  if (helper > 0) waitpid(helper, nullptr, 0);
  return worker;
}

void Template::fork_worker() {
  const pid_t worker = fork_through_helper();
  if (worker > 0)
    static_cast<void>(wire::send(socket_.get(), wire::WorkerForked{worker}));
  else
    static_cast<void>(wire::send(socket_.get(), wire::WorkersFailed{1, "fork failed: no memory or no process left"}));
}

}  // namespace

std::optional<TemplateOptions> options_from_environment() {
  const std::optional<std::string> number = take_variable("MOBULA_TEMPLATE_NUMBER");
  const std::optional<std::string> socket_path = take_variable("MOBULA_TEMPLATE_SOCKET");
  const std::optional<std::string> libraries = take_variable("MOBULA_TEMPLATE_LIBRARIES");
  const std::optional<std::string> descriptors = take_variable("MOBULA_TEMPLATE_DESCRIPTORS");
  if (!number || !socket_path) return std::nullopt;
  TemplateOptions options;
  options.number = static_cast<std::uint32_t>(std::strtoul(number->c_str(), nullptr, 10));
  options.socket_path = *socket_path;
  std::istringstream words(libraries.value_or(""));
  for (std::string library; std::getline(words, library, ':');) options.libraries.push_back(library);
  if (descriptors) options.descriptors_limit = std::strtoull(descriptors->c_str(), nullptr, 10);
  return options;
}

int run_template(const TemplateOptions &options) { return Template(options).run(); }

}  // namespace mobula::worker
