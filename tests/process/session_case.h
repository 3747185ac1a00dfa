// process/session_case.h: a case that runs inside a session of its own, and what it can see of that session.
//   Process    the case is the driver; its RAY_REMOTE functions run in workers that re-execute the test program
//   Errors     exceptions: a case that cannot see its session has failed
#pragma once

#include <ray/api.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/process_runner.h"

namespace mobula::process {

using Clock = std::chrono::steady_clock;

inline double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Of a case with its own driver: two workers and a small store, unless `environment` says otherwise.
inline support::RunOptions small_session(std::int64_t time_limit_ms = 30'000,
                                         std::vector<std::pair<std::string, std::string>> environment = {}) {
  support::RunOptions options;
  options.time_limit_ms = time_limit_ms;
  options.environment = {{"MOBULA_WORKERS", "2"}, {"MOBULA_MEMORY", "64MiB"}};
  for (auto &variable : environment) options.environment.push_back(std::move(variable));
  return options;
}

inline bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// what() of the Exception that `action` throws; "" when it throws none. Other exceptions pass through.
template <typename Exception, typename Action>
std::string text_thrown_by(Action action) {
  try {
    action();
  } catch (const Exception &problem) {
    return problem.what();
  }
  return "";
}

// The private folder of the case: a place for files that tasks and their driver share. Must be empty at the end.
inline std::string case_folder() { return std::getenv("XDG_RUNTIME_DIR"); }

// Program of this build that an environment variable names.
inline std::string program(const char *variable) {
  const char *path = std::getenv(variable);
  support::require(path != nullptr, std::string(variable) + " is not set: run through meson test");
  return path;
}

inline std::string own_session() { return "embedded-" + std::to_string(::getpid()); }

// What `mobula doctor` has to say against a session; "" when its four ledgers agree.
inline std::string mismatches_in(const std::string &session) {
  const support::RunResult run =
      support::run_program({program("MOBULA_COMMAND"), "doctor", "--session", session}, support::inside_case());
  return run.ok ? "" : "mobula doctor: " + run.reason + " " + run.output + run.errors;
}

// Runs `body` between Init and Shutdown, isolated and checked for leaks. The session is examined at the end, unless the
// body has ended it.
inline support::RunResult in_session(const support::RunOptions &options, const std::function<void()> &body) {
  return support::run_isolated(options, [&body] {
    ray::Init();
    body();
    const std::string mismatches = ray::IsInitialized() ? mismatches_in(own_session()) : "";
    support::require(mismatches.empty(), mismatches);
    ray::Shutdown();
  });
}
inline support::RunResult in_session(const std::function<void()> &body) { return in_session(small_session(), body); }

// What `mobula status --json` prints about a session.
inline std::string status_of(const std::string &session) {
  const support::RunResult run = support::run_program(
      {program("MOBULA_COMMAND"), "status", "--json", "--session", session}, support::inside_case());
  support::require(run.ok, "mobula status: " + run.reason + " " + run.errors);
  return run.output;
}

// The first number after "key": in JSON.
inline std::uint64_t number_after(const std::string &json, const std::string &key, std::size_t from = 0) {
  const std::size_t found = json.find("\"" + key + "\":", from);
  support::require(found != std::string::npos, "no key " + key + " in " + json);
  return std::strtoull(json.c_str() + found + key.size() + 3, nullptr, 10);
}

// A figure of the case's own store.
inline std::uint64_t store_figure(const char *key) {
  const std::string json = status_of(own_session());
  return number_after(json, key, json.find("\"store\""));
}

// As `mobula memory` shows an ObjectID.
inline std::string hex(const std::string &id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const char byte : id) {
    digits += kDigits[static_cast<unsigned char>(byte) >> 4];
    digits += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return digits;
}

inline pid_t raylet_of(const std::string &session) {
  const std::string json = status_of(session);
  return static_cast<pid_t>(number_after(json, "pid", json.find("\"raylet\"")));
}

// True for zombies, too: an orphan's reaper is the runner, outside of the case.
inline bool has_ended(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t name_end = text.rfind(')');
  return name_end == std::string::npos || text.compare(name_end, 3, ") Z") == 0 ||
         text.compare(name_end, 3, ") X") == 0;
}

// Processes below `root`, itself included.
inline std::vector<pid_t> process_tree(pid_t root) {
  std::vector<pid_t> tree{root};
  for (std::size_t next = 0; next < tree.size(); ++next) {
    std::error_code gone;  // a process may end at any time while we look
    const std::string folder = "/proc/" + std::to_string(tree[next]) + "/task";
    for (const auto &thread : std::filesystem::directory_iterator(folder, gone)) {
      std::ifstream file(thread.path() / "children");
      for (pid_t child = 0; file >> child;) tree.push_back(child);
    }
  }
  return tree;
}

// True once `condition` holds; gives up after `limit_ms`.
inline bool eventually(const std::function<bool()> &condition, int limit_ms = 5'000) {
  for (const auto start = Clock::now(); milliseconds_since(start) < limit_ms; ::usleep(5'000)) {
    if (condition()) return true;
  }
  return condition();
}

inline bool all_end(const std::vector<pid_t> &pids) {
  return eventually([&pids] { return std::all_of(pids.begin(), pids.end(), has_ended); });
}

}  // namespace mobula::process
