// crash/crash_case.h: a session whose processes a case kills, or stops, at named points (base/crash_points.h).
//   Process    the case only looks on: it never calls the library, so the drivers that it forks map the page anew
//   Errors     exceptions: a case that cannot steer its session has failed
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "base/crash_points.h"
#include "crash/tasks.h"
#include "process/session_case.h"
#include "support/child.h"

namespace mobula::crash {

using base::CrashPoint;
using base::CrashRole;

struct NamedPoint {
  CrashPoint point;
  const char *name;
};

inline const std::vector<NamedPoint> &all_points() {
  static const std::vector<NamedPoint> points{
#define MOBULA_CRASH_POINT(name, what) {CrashPoint::name, #name},
#include "base/crash_points.inc"
#undef MOBULA_CRASH_POINT
  };
  return points;
}

inline bool is_raylet_point(CrashPoint point) { return static_cast<std::uint32_t>(point) >= base::kFirstRayletPoint; }

// The file that the session's processes map. Removed with its owner.
class Page {
 public:
  Page() : path_(process::case_folder() + "/crash-page") {
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    support::require(file >= 0 && ::ftruncate(file, sizeof(base::CrashPage)) == 0, "no crash page");
    void *const memory = ::mmap(nullptr, sizeof(base::CrashPage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    support::require(memory != MAP_FAILED, "mmap of the crash page");
    page_ = static_cast<base::CrashPage *>(memory);
  }
  Page(const Page &) = delete;
  Page &operator=(const Page &) = delete;
  ~Page() {
    ::munmap(page_, sizeof(base::CrashPage));
    ::unlink(path_.c_str());
  }
  const std::string &path() const { return path_; }

  // The process of that role which passes the point for the nth time from now on gets the signal, once.
  void arm(CrashRole role, CrashPoint point, int nth, int signal = SIGKILL) {
    disarm();
    give_back_slots();
    page_->armed_role.store(static_cast<std::uint32_t>(role));
    page_->armed_signal.store(static_cast<std::uint32_t>(signal));
    page_->passes_left.store(nth);
    page_->victim_pid.store(0);
    page_->armed_point_plus_1.store(static_cast<std::uint32_t>(point) + 1);
  }
  void disarm() { page_->armed_point_plus_1.store(0); }
  // 0 until somebody got the signal.
  pid_t victim() const { return static_cast<pid_t>(page_->victim_pid.load()); }
  std::uint64_t passes(CrashPoint point) const { return page_->passes[static_cast<std::uint32_t>(point)].load(); }
  // Everybody who passed a point since slots were given back.
  std::vector<pid_t> processes() const {
    std::vector<pid_t> pids;
    for (const base::CrashSlot &slot : page_->slots) {
      if (slot.pid.load() != 0) pids.push_back(static_cast<pid_t>(slot.pid.load()));
    }
    return pids;
  }

 private:
  void give_back_slots() {
    for (base::CrashSlot &slot : page_->slots) {
      if (slot.pid.load() != 0 && process::has_ended(static_cast<pid_t>(slot.pid.load()))) slot.pid.store(0);
    }
  }

  const std::string path_;
  base::CrashPage *page_ = nullptr;
};

// A raylet in the background, with workers that have the functions of crash/tasks.h.
class Session {
 public:
  // `page`: mapped by the raylet and the workers; null: by nobody.
  Session(std::string name, const Page *page) : name_(std::move(name)) {
    support::RunOptions options = support::inside_case();
    if (page != nullptr) options.environment = {{"MOBULA_CRASH_PAGE", page->path()}};
    const auto started =
        support::run_program({process::program("MOBULA_RAYLET"), "--session", name_, "--workers", "2", "--memory",
                              "8MiB", "--library", process::program("MOBULA_TASK_LIBRARY")},
                             options);
    support::require(started.ok, "raylet: " + started.reason + started.errors);
    pid_ = process::raylet_of(name_);
  }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
  ~Session() {
    if (process::has_ended(pid_)) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGTERM);
    process::all_end({pid_});
  }
  const std::string &name() const { return name_; }
  pid_t pid() const { return pid_; }

  bool is_stopped() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string text;
    std::getline(stat, text);
    return text.find(") T ") != std::string::npos;
  }
  // Nothing is held, by anybody: no object, no byte, once what only outlives its references is evicted.
  bool becomes_empty() const {
    for (std::vector<std::string> pass : {std::vector<std::string>{"unpublish", "--all"}, {"evict"}, {"gc"}}) {
      pass.insert(pass.begin(), process::program("MOBULA_COMMAND"));
      pass.insert(pass.end(), {"--session", name_});
      const auto run = support::run_program(pass, support::inside_case());
      support::require(run.ok, pass[1] + ": " + run.errors);
    }
    return process::eventually([this] {
      const std::string status = process::status_of(name_);
      return process::number_after(status, "objects") == 0 && process::number_after(status, "used_bytes") == 0;
    });
  }

 private:
  const std::string name_;
  pid_t pid_ = 0;
};

// A forked driver of the session; `page`: what it maps, null for none. Ends with exit status 0 if `body` is right.
inline void drive(const std::string &session, const Page *page, const std::function<void()> &body) {
  if (page != nullptr) ::setenv("MOBULA_CRASH_PAGE", page->path().c_str(), 1);
  ::setenv("RAY_ADDRESS", session.c_str(), 1);
  ray::Init();
  body();
  ray::Shutdown();
}

// Throws unless the driver ends with status 0: all that its body checks is right.
inline void check_right(support::Child &driver, const char *who, std::int64_t limit_ms = 10'000) {
  const auto status = driver.wait(limit_ms);
  support::require(status.exit_code == 0, std::string(who) + " got something wrong, or was killed");
}

// What must be true after any death of a client: a driver that comes now is served, then nothing is left.
inline void check_session(const Session &session) {
  constexpr int kSeed = 8;
  support::Child fresh(
      [&session] { drive(session.name(), nullptr, [] { support::require(exercise(kSeed) == kSeed, "a seed"); }); });
  check_right(fresh, "a fresh driver");
  support::require(session.becomes_empty(), "left in the store: " + process::status_of(session.name()));
  const std::string mismatches = process::mismatches_in(session.name());
  support::require(mismatches.empty(), mismatches);
}

}  // namespace mobula::crash
