#include "tools/command_logs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "tools/control.h"
#include "wire/socket.h"

namespace mobula::tools {
namespace {

constexpr const char *kOlderFiles[] = {"raylet.2.log", "raylet.1.log"};  // oldest first
constexpr int kJsonIndent = 2;

struct LogsOptions {
  std::size_t last = 100;  // lines
  bool follow = false;
};

std::string newest_path(const std::string &folder) { return folder + "/raylet.log"; }

// The newest file of a log, which is given another name when it is full.
class Tail {
 public:
  explicit Tail(std::string folder) : folder_(std::move(folder)) { open_newest(); }

  // What was added since the last call.
  void copy_to(std::ostream &output) {
    copy_rest(output);
    const base::File before = std::move(file_);
    open_newest();
    if (is_same(before, file_)) lseek(file_.get(), lseek(before.get(), 0, SEEK_CUR), SEEK_SET);
    copy_rest(output);
    output.flush();
  }

 private:
  void open_newest() { file_ = base::File(open(newest_path(folder_).c_str(), O_RDONLY | O_CLOEXEC)); }
  static bool is_same(const base::File &one, const base::File &other) {
    struct stat first {};
    struct stat second {};
    return fstat(one.get(), &first) == 0 && fstat(other.get(), &second) == 0 && first.st_ino == second.st_ino;
  }
  void copy_rest(std::ostream &output) const {
    std::array<char, 4096> buffer;
    for (ssize_t got = 0; (got = read(file_.get(), buffer.data(), buffer.size())) > 0;)
      output.write(buffer.data(), got);
  }

  const std::string folder_;
  base::File file_;
};

std::string whole_log(const std::string &folder, Tail *tail) {
  std::stringstream text;
  for (const char *name : kOlderFiles) {
    std::ifstream file(folder + "/" + name);
    if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  }
  tail->copy_to(text);
  return text.str();
}

// Until the raylet is gone, or nobody reads the output any more.
void follow(const std::string &folder, int raylet_pid, Tail *tail, std::ostream &output) {
  const base::File raylet(static_cast<int>(syscall(SYS_pidfd_open, raylet_pid, 0)));
  const base::File changes(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const bool is_watched =
      inotify_add_watch(changes.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) >= 0;
  pollfd events[] = {{changes.get(), POLLIN, 0}, {raylet.get(), POLLIN, 0}};
  while (is_watched && raylet && output) {
    tail->copy_to(output);
    if (poll(events, 2, -1) < 0 && errno != EINTR) base::throw_errno("poll");
    std::array<char, 4096> ignored;
    while (read(changes.get(), ignored.data(), ignored.size()) > 0) {
    }
    if ((events[1].revents & POLLIN) != 0) break;
  }
  tail->copy_to(output);
}

Status run(const Choice &choice, const LogsOptions &options, std::ostream &output) {
  Control control;
  if (Status status = connect(choice, &control)) return status;
  std::string folder;
  if (Status status = wire::session_folder(control.session(), &folder)) return status;
  if (access(newest_path(folder).c_str(), R_OK) != 0) {
    return base::failure(Code::kInvalidArgument,
                         fmt::format("session '{}' has no log in {}: its raylet runs with --foreground and logs to its "
                                     "error output",
                                     control.session(), folder));
  }
  Tail tail(folder);
  const std::vector<std::string> lines = last_lines(whole_log(folder, &tail), options.last);
  if (choice.json) {
    const nlohmann::json answer = {{"session", control.session()}, {"lines", lines}};
    output << answer.dump(kJsonIndent, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return nullptr;
  }
  for (const std::string &line : lines) output << line << "\n";
  if (options.follow) follow(folder, control.raylet_pid(), &tail, output);
  return nullptr;
}

}  // namespace

std::vector<std::string> last_lines(const std::string &text, std::size_t count) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

Command add_logs(CLI::App &app, Choice *choice) {
  const auto options = std::make_shared<LogsOptions>();
  CLI::App *const command = add_command(app, "logs", "Print the raylet's log", choice);
  command->add_option("--last", options->last, "How many lines, at most; what is older may be gone")
      ->capture_default_str();
  command->add_flag("--follow", options->follow, "Go on printing until the session ends");
  return {command, [choice, options](std::ostream &output, int *) { return run(*choice, *options, output); }};
}

}  // namespace mobula::tools
