// process/named_session.h: a session with a name, which other processes join and which outlives them.
//   Process    the raylet goes to the background; whoever joins is a driver with functions of its own
//   Errors     exceptions: a case that cannot see its session has failed; doctor at its end is a CHECK
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "process/session_case.h"
#include "support/child.h"

namespace mobula::process {

// A raylet in the background for the length of a scope.
class NamedSession {
 public:
  explicit NamedSession(std::string name,
                        const std::vector<std::string> &options = {"--workers", "2", "--memory", "32MiB"})
      : name_(std::move(name)) {
    std::vector<std::string> argv{program("MOBULA_RAYLET"), "--session", name_};
    argv.insert(argv.end(), options.begin(), options.end());
    const auto started = support::run_program(argv, support::inside_case());
    support::require(started.ok, "raylet: " + started.reason + started.errors);
    pid_ = raylet_of(name_);
  }
  NamedSession(const NamedSession &) = delete;
  NamedSession &operator=(const NamedSession &) = delete;
  ~NamedSession() {
    if (is_killed_ || has_ended(pid_)) return;
    CHECK(mismatches_in(name_) == "");
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGTERM);
    all_end({pid_});
  }
  const std::string &name() const { return name_; }
  pid_t pid() const { return pid_; }
  // SIGKILL, without waiting for its end.
  void kill() {
    is_killed_ = true;
    ::kill(pid_, SIGKILL);
  }

 private:
  std::string name_;
  pid_t pid_ = 0;
  bool is_killed_ = false;
};

// A driver's life in a session, in the calling process.
inline void join(const std::string &session, const std::function<void()> &body) {
  ray::RayConfig config;
  config.address = session;
  ray::Init(config);
  body();
  ray::Shutdown();
}

// Tells the other side of a support::Child how far we are.
inline void say(const std::string &word) {
  std::puts(word.c_str());
  std::fflush(stdout);
}

// The pids in the list "key" of `mobula status --json`: "workers", "templates", "clients".
inline std::vector<pid_t> pids_in(const std::string &session, const std::string &key) {
  const std::string json = status_of(session);
  const std::size_t start = json.find("\n  \"" + key + "\": [");
  support::require(start != std::string::npos, "no list " + key + " in " + json);
  const std::size_t end = json.find(']', start);
  std::vector<pid_t> pids;
  for (std::size_t at = json.find("\"pid\":", start); at < end; at = json.find("\"pid\":", at + 1)) {
    pids.push_back(static_cast<pid_t>(std::strtol(json.c_str() + at + 6, nullptr, 10)));
  }
  return pids;
}

// Nothing is held in the session, by anybody.
inline bool becomes_empty(const std::string &session, int limit_ms = 5'000) {
  return eventually(
      [&session] {
        const std::string status = status_of(session);
        return number_after(status, "objects") == 0 && number_after(status, "used_bytes") == 0;
      },
      limit_ms);
}

// Tasks leave files with their pid as the name in `folder`; gives one of them, and removes the file. 0: none came.
inline pid_t announced_pid(const std::string &folder) {
  pid_t pid = 0;
  eventually([&] {
    std::error_code gone;
    for (const auto &file : std::filesystem::directory_iterator(folder, gone)) {
      const long number = std::strtol(file.path().filename().c_str(), nullptr, 10);
      if (number > 0) pid = static_cast<pid_t>(number);
    }
    return pid != 0;
  });
  std::filesystem::remove(folder + "/" + std::to_string(pid));
  return pid;
}
inline void announce(const std::string &folder) { std::ofstream(folder + "/" + std::to_string(::getpid())) << "here"; }

}  // namespace mobula::process
