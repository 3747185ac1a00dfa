// What the common calls cost in system calls, and what an idle session costs in wake-ups: nothing.
#include <doctest/doctest.h>

#include <map>
#include <thread>

#include "process/session_case.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::run_program;

namespace {

constexpr int kCalls = 100'000;
constexpr std::int64_t kIdleSeconds = 10;

int answer() { return 42; }
int sleep_ms(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}

RAY_REMOTE(answer, sleep_ms);

// A system call that fails and that strace shows with its text: the boundary of a phase.
void mark(const std::string &phase) { ::access(("/phase/" + phase).c_str(), F_OK); }

void put_and_drop() {
  for (int i = 0; i < kCalls; ++i) ray::Put(i);
}

void put_and_hold(std::vector<ray::ObjectRef<int>> &held) {
  for (int i = 0; i < kCalls; ++i) held.push_back(ray::Put(i));
}

void get_each(const std::vector<ray::ObjectRef<int>> &held) {
  int wrong = 0;
  for (int i = 0; i < kCalls; ++i) wrong += *held[static_cast<std::size_t>(i)].Get() != i;
  mobula::support::require(wrong == 0, "a Get gave another value than was put");
}

// The traced program: every phase once to get warm, then once more between marks.
void run_phases() {
  ray::Init();
  std::vector<ray::ObjectRef<int>> held;
  held.reserve(kCalls);
  for (const std::string round : {"warm-up ", ""}) {
    held.clear();
    mark(round + "drop");
    put_and_drop();
    mark(round + "hold");
    put_and_hold(held);
    mark(round + "get");
    get_each(held);
    mark(round + "end");
  }
  held.clear();
  ray::Shutdown();
}

// System calls between each mark and the next, by phase.
std::map<std::string, int> calls_by_phase(const std::string &log) {
  std::map<std::string, int> counts;
  std::ifstream file(log);
  std::string phase;
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find("\"/phase/");
    if (at != std::string::npos) {
      phase = line.substr(at + 8, line.find('"', at + 8) - at - 8);
      counts[phase] = 0;
    } else if (!phase.empty()) {
      ++counts[phase];
    }
  }
  return counts;
}

// The driver's own threads, attached by pid: what it starts afterwards (raylet, workers) is not followed.
void trace_phases(const std::string &log) {
  Child driver([] {
    ::raise(SIGSTOP);
    run_phases();
    std::puts("done");
    std::fflush(stdout);
  });
  const auto status_says = [&](const std::string &line) {
    std::ifstream status("/proc/" + std::to_string(driver.pid()) + "/status");
    return contains(std::string(std::istreambuf_iterator<char>(status), {}), line);
  };
  CHECK(eventually([&] { return status_says("State:\tT"); }));
  Child tracer({"strace", "-q", "-o", log, "-p", std::to_string(driver.pid())});
  CHECK(eventually([&] { return status_says("TracerPid:\t" + std::to_string(tracer.pid())); }));
  driver.send_signal(SIGCONT);
  CHECK(driver.read_line(120'000) == "done");
  CHECK(driver.wait().exit_code == 0);
  tracer.wait();
}

// Voluntary context switches of all threads of the processes, by process.
std::map<pid_t, std::uint64_t> switches_of(const std::vector<pid_t> &processes) {
  std::map<pid_t, std::uint64_t> switches;
  for (const pid_t pid : processes) {
    for (const auto &thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
      std::ifstream status(thread.path() / "status");
      for (std::string line; std::getline(status, line);) {
        if (line.rfind("voluntary_ctxt_switches:", 0) == 0) switches[pid] += std::stoull(line.substr(24));
      }
    }
  }
  return switches;
}

// A driver that has a session, and is blocked in a Get of a task that waits for ever.
void block_in_get() {
  ray::Init();
  std::vector<ray::ObjectRef<int>> warm;
  for (int i = 0; i < 100; ++i) warm.push_back(ray::Task(answer).Remote());
  ray::Get(warm);
  const auto never = ray::Task(sleep_ms).Remote(1'000'000);
  std::puts("blocking");
  std::fflush(stdout);
  never.Get();
}

}  // namespace

TEST_SUITE("process/system_calls") {
  TEST_CASE("a warmed driver makes at most one system call per thousand small puts and gets") {
    if (!run_program({"strace", "-V"}, inside_case())) {
      MESSAGE("skipped: strace is not installed");
      return;
    }
    const auto options = small_session(180'000, {{"MOBULA_MEMORY", "128MiB"}});
    CHECK(mobula::support::run_isolated(options, [] {
      const std::string log = case_folder() + "/trace";
      trace_phases(log);
      auto counts = calls_by_phase(log);
      CHECK(counts["warm-up hold"] > 0);  // the log does show calls: of a store that is still growing
      for (const char *phase : {"drop", "hold", "get"}) {
        CAPTURE(phase);
        CAPTURE(counts[phase]);
        REQUIRE(counts.count(phase) == 1);
        CHECK(counts[phase] <= kCalls / 1000);
      }
      std::filesystem::remove(log);
    }));
  }

  TEST_CASE("raylet, template, workers and a driver blocked in Get sleep through ten idle seconds") {
    CHECK(mobula::support::run_isolated(small_session(60'000), [] {
      Child driver(block_in_get);
      CHECK(driver.read_line() == "blocking");
      std::this_thread::sleep_for(std::chrono::seconds(1));  // for what the last tasks have started to come to rest
      const std::vector<pid_t> processes = process_tree(driver.pid());
      CHECK(processes.size() >= 4);  // driver, raylet, template, a worker
      const auto before = switches_of(processes);
      std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
      const auto after = switches_of(processes);
      for (const auto &[pid, count] : before) {
        CAPTURE(pid);
        CHECK(after.at(pid) == count);
      }
      driver.kill();
    }));
  }
}
