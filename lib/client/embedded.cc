#include "client/embedded.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/limits.h"
#include "base/units.h"
#include "tasks/resources_text.h"

namespace mobula::client {
namespace {

constexpr int kDriverSocket = 3;  // where the raylet finds its own driver

Status bad_number(const std::string &name, const std::string &text) {
  return base::failure(Code::kInvalidArgument, fmt::format("{} is '{}': not a valid value", name, text));
}

bool read_number(const std::string &text, std::uint32_t min, std::uint32_t max, std::uint32_t *number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return code == std::errc() && end == text.data() + text.size() && *number >= min && *number <= max;
}

Status read_workers(const std::string &name, const std::string &text, std::uint32_t *workers) {
  std::uint32_t value = 0;
  if (!read_number(text, 1, base::kWorkersMax, &value)) {
    return bad_number(fmt::format("{} (1 to {} workers)", name, base::kWorkersMax), text);
  }
  *workers = value;
  return nullptr;
}

Status read_gpus(const std::string &text, std::uint32_t *gpus) {
  if (read_number(text, 0, tasks::kDevicesMax, gpus)) return nullptr;
  return bad_number(fmt::format("--num-gpus (0 to {})", tasks::kDevicesMax), text);
}

Status read_resources(const std::string &text, std::string *json) {
  std::string why;
  if (!tasks::parse_resources(text, &why)) return base::failure(Code::kInvalidArgument, "--resources: " + why);
  *json = text;
  return nullptr;
}

Status read_memory(const std::string &name, const std::string &text, std::uint64_t *bytes) {
  const std::optional<std::uint64_t> value = base::parse_bytes(text);
  if (!value) return bad_number(name + " (bytes, or with KiB, MiB, GiB)", text);
  *bytes = *value;
  return nullptr;
}

// The value of "--name value" or "--name=value" at position i.
const std::string *value_of(const std::vector<std::string> &arguments, std::size_t i, const std::string &name,
                            std::string *storage) {
  if (arguments[i] == name && i + 1 < arguments.size()) return &arguments[i + 1];
  if (arguments[i].compare(0, name.size() + 1, name + "=") != 0) return nullptr;
  *storage = arguments[i].substr(name.size() + 1);
  return storage;
}

constexpr std::array<const char *, 4> kHeadArguments{"--num-cpus", "--num-gpus", "--resources",
                                                     "--object-store-memory"};

Status read_head_argument(const std::string &name, const std::string &value, EmbeddedOptions *options) {
  if (name == "--num-cpus") return read_workers(name, value, &options->workers);
  if (name == "--num-gpus") return read_gpus(value, &options->gpus);
  if (name == "--resources") return read_resources(value, &options->resources);
  return read_memory(name, value, &options->memory_bytes);
}

Status read_head_args(const std::vector<std::string> &head_args, EmbeddedOptions *options) {
  for (std::size_t i = 0; i < head_args.size(); ++i) {
    for (const char *name : kHeadArguments) {
      std::string storage;
      if (i + 1 == head_args.size() && head_args[i] == name) return bad_number(name, "(nothing)");
      const std::string *const value = value_of(head_args, i, name, &storage);
      if (value == nullptr) continue;
      if (Status status = read_head_argument(name, *value, options)) return status;
    }
  }
  return nullptr;
}

void add_libraries(const std::string &path, std::vector<std::string> *libraries) {
  std::error_code code;
  if (!std::filesystem::is_directory(path, code)) {
    libraries->push_back(path);
    return;
  }
  for (const auto &file : std::filesystem::directory_iterator(path, code)) {
    if (file.path().extension() == ".so") libraries->push_back(file.path().string());
  }
}

std::vector<std::string> raylet_command(const EmbeddedOptions &options) {
  std::vector<std::string> command{raylet_program(),  "--embedded",
                                   "--session",       fmt::format("embedded-{}", getpid()),
                                   "--driver-socket", std::to_string(kDriverSocket),
                                   "--memory",        std::to_string(options.memory_bytes)};
  if (options.workers != 0) command.insert(command.end(), {"--workers", std::to_string(options.workers)});
  if (options.gpus != 0) command.insert(command.end(), {"--num-gpus", std::to_string(options.gpus)});
  if (!options.resources.empty()) command.insert(command.end(), {"--resources", options.resources});
  for (const std::string &library : options.libraries) command.insert(command.end(), {"--library", library});
  return command;
}

}  // namespace

Status embedded_options(const std::vector<std::string> &head_args, const std::vector<std::string> &code_search_path,
                        EmbeddedOptions *options) {
  if (const char *workers = std::getenv("MOBULA_WORKERS"); workers != nullptr && workers[0] != '\0') {
    if (Status status = read_workers("MOBULA_WORKERS", workers, &options->workers)) return status;
  }
  if (const char *memory = std::getenv("MOBULA_MEMORY"); memory != nullptr && memory[0] != '\0') {
    if (Status status = read_memory("MOBULA_MEMORY", memory, &options->memory_bytes)) return status;
  }
  if (Status status = read_head_args(head_args, options)) return status;
  for (const std::string &path : code_search_path) add_libraries(path, &options->libraries);
  return nullptr;
}

std::string raylet_program() {
  if (const char *given = std::getenv("MOBULA_RAYLET"); given != nullptr && given[0] != '\0') return given;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void *>(&raylet_program), &info) != 0 && info.dli_fname != nullptr) {
    const std::filesystem::path folder = std::filesystem::absolute(info.dli_fname).parent_path();
    // Installed: PREFIX/lib[/TRIPLET] and PREFIX/bin; in the build folder: lib and raylet.
    for (const char *place : {"../bin/mobula-raylet", "../../bin/mobula-raylet", "../raylet/mobula-raylet"}) {
      const std::filesystem::path candidate = (folder / place).lexically_normal();
      if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
    }
  }
  return "mobula-raylet";
}

Status start_embedded(const EmbeddedOptions &options, pid_t *raylet_pid, base::File *socket) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) base::throw_errno("socketpair");
  base::File own(ends[0]);
  // Above the number that it gets in the raylet, so that dup2 always clears its close-on-exec flag.
  base::File theirs(fcntl(ends[1], F_DUPFD_CLOEXEC, kDriverSocket + 1));
  close(ends[1]);
  const std::vector<std::string> command = raylet_command(options);
  std::vector<char *> argv;
  for (const std::string &word : command) argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), kDriverSocket);
  // A group of its own: Ctrl-C in the terminal is for the program, whose end then ends the raylet.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int code = posix_spawnp(raylet_pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("cannot start the raylet '{}': {}; set MOBULA_RAYLET to the path of mobula-raylet",
                                     command[0], std::strerror(code)));
  }
  *socket = std::move(own);
  return nullptr;
}

}  // namespace mobula::client
