#include "tools/start.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace mobula::tools {

std::string raylet_program() {
  if (const char *given = std::getenv("MOBULA_RAYLET"); given != nullptr && given[0] != '\0') return given;
  std::error_code code;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", code).parent_path();
  // Installed: the same folder; in the build folder: tools and raylet.
  for (const char *place : {"mobula-raylet", "../raylet/mobula-raylet"}) {
    const std::filesystem::path candidate = (folder / place).lexically_normal();
    if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return "mobula-raylet";
}

std::vector<std::string> raylet_command(const std::string &program, const StartOptions &options) {
  std::vector<std::string> command{program, "--session", options.session};
  if (options.workers) command.insert(command.end(), {"--workers", std::to_string(*options.workers)});
  if (!options.memory.empty()) command.insert(command.end(), {"--memory", options.memory});
  if (options.gpus) command.insert(command.end(), {"--num-gpus", std::to_string(*options.gpus)});
  if (!options.resources.empty()) command.insert(command.end(), {"--resources", options.resources});
  if (options.metrics_port) command.insert(command.end(), {"--metrics-port", std::to_string(*options.metrics_port)});
  if (options.log_records) command.insert(command.end(), {"--ref-log", std::to_string(*options.log_records)});
  for (const std::string &library : options.libraries) {
    command.insert(command.end(), {"--library", std::filesystem::absolute(library).lexically_normal().string()});
  }
  return command;
}

Status start_raylet(const StartOptions &options) {
  const std::vector<std::string> command = raylet_command(raylet_program(), options);
  std::vector<char *> argv;
  for (const std::string &word : command) argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  posix_spawnattr_t as_by_default;
  posix_spawnattr_init(&as_by_default);
  sigset_t none;  // whatever signals we keep from ourselves, the raylet and its workers have to hear theirs
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&as_by_default, &none);
  posix_spawnattr_setflags(&as_by_default, POSIX_SPAWN_SETSIGMASK);
  const int code = posix_spawnp(&pid, argv[0], nullptr, &as_by_default, argv.data(), environ);
  posix_spawnattr_destroy(&as_by_default);
  if (code != 0) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("cannot start the raylet '{}': {}; set MOBULA_RAYLET to the path of mobula-raylet",
                                     command[0], std::strerror(code)));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) base::throw_errno("waitpid for the raylet");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return nullptr;
  if (WIFEXITED(status))
    return base::failure(Code::kInvalidArgument, fmt::format("session '{}' was not started", options.session));
  return base::failure(Code::kRayletDied,
                       fmt::format("the raylet '{}' was ended by signal {} before session '{}' was ready", command[0],
                                   WTERMSIG(status), options.session));
}

}  // namespace mobula::tools
