// Deaths of workers and of drivers: what everybody else sees of them.
#include <doctest/doctest.h>

#include "process/named_session.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;
using ray::internal::RayTaskException;

namespace {

constexpr std::size_t kMiB = 1u << 20;

int add(int a, int b) { return a + b; }
int sleep_ms(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return wait_ms;
}
int own_pid(int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return ::getpid();
}
// Leaves a letter in `path` for each run.
int note_run(std::string path) {
  std::ofstream(path, std::ios::app) << 'x' << std::flush;
  return ::getpid();
}
int note_run_then_throw(std::string path) {
  note_run(path);
  throw std::runtime_error("thrown");
}
// The first run is killed after it has put, held and asked for things; the second gives its pid.
int die_once(std::string folder, ray::ObjectRef<std::string> held) {
  const auto own = ray::Put(std::string(2 * kMiB, 'o'));
  const auto inner = ray::Task(sleep_ms).Remote(1);
  const bool is_first = !std::filesystem::exists(folder + "/runs");
  note_run(folder + "/runs");
  if (is_first) ::kill(::getpid(), SIGKILL);
  require(*held.Get() == std::string(kMiB, 'h'), "the argument of a retried task");
  return ::getpid();
}
int announce_and_get(std::string folder, ray::ObjectRef<int> slow) {
  announce(folder);
  return *slow.Get() + 1;
}
int announce_and_sleep(std::string folder) {
  announce(folder);
  for (;;) ::pause();
}

RAY_REMOTE(add, sleep_ms, own_pid, note_run, note_run_then_throw, die_once, announce_and_get, announce_and_sleep);

std::size_t runs_in(const std::string &path) {
  std::string runs;
  std::ifstream(path) >> runs;
  std::filesystem::remove(path);
  return runs.size();
}

// As many naps at a time as there are slots: a slot that was lost, or given twice, shows in the time.
void check_two_slots() {
  for (int i = 0; i < 2; ++i) ray::Get(std::vector{ray::Task(sleep_ms).Remote(1), ray::Task(sleep_ms).Remote(1)});
  const auto start = Clock::now();
  std::vector<ray::ObjectRef<int>> naps;
  for (int i = 0; i < 4; ++i) naps.push_back(ray::Task(sleep_ms).Remote(200));
  ray::Get(naps);
  CHECK(milliseconds_since(start) >= 400);
  CHECK(milliseconds_since(start) < 790);
}

// A driver that holds much and has asked for more, until it is killed.
void hold_and_submit(const std::string &session, const std::string &folder) {
  ::setenv("RAY_ADDRESS", session.c_str(), 1);
  ray::Init();
  const auto block = ray::Put(std::string(9'000, 'b'));
  const auto large = ray::Put(std::string(10 * kMiB, 'l'));
  const auto list = ray::Put(std::vector{block, large});
  const auto running = ray::Task(announce_and_sleep).Remote(folder);
  std::vector<ray::ObjectRef<int>> later;
  const auto slow = ray::Task(sleep_ms).Remote(600'000);
  for (int i = 0; i < 50; ++i) later.push_back(ray::Task(add).Remote(slow, i));
  for (int i = 0; i < 50; ++i) later.push_back(ray::Task(note_run).Remote(folder + "/queued"));
  say("holding");
  ray::Get(later);
}

}  // namespace

TEST_SUITE("process/deaths") {
  TEST_CASE("workers killed while they are idle are replaced when there is work") {
    CHECK(in_session([] {
      for (int round = 0; round < 5; ++round) {
        ray::Get(std::vector{ray::Task(own_pid).Remote(20), ray::Task(own_pid).Remote(20)});
        const std::vector<pid_t> workers = pids_in(own_session(), "workers");
        CHECK(workers.size() >= 2);
        for (const pid_t worker : workers) ::kill(worker, SIGKILL);
        CHECK(*ray::Task(add).Remote(round, 1).Get() == round + 1);
        CHECK(all_end(workers));
      }
      check_two_slots();
    }));
  }

  TEST_CASE("a task that runs again after its worker's death gives one result, the same for all who ask") {
    CHECK(in_session([] {
      for (int round = 0; round < 5; ++round) {
        const auto held = ray::Put(std::string(kMiB, 'h'));
        const auto result = ray::Task(die_once).Remote(case_folder(), held);
        const auto dependant = ray::Task(add).Remote(result, 0);
        const int pid = *result.Get();
        CHECK(*dependant.Get() == pid);
        CHECK(*ray::ObjectRef<int>(result.ID()).Get() == pid);
        CHECK(runs_in(case_folder() + "/runs") == 2);
      }
      CHECK(becomes_empty(own_session()));
    }));
  }

  TEST_CASE("a task that throws is not retried") {
    CHECK(in_session([] {
      const std::string path = case_folder() + "/runs";
      CHECK_THROWS_AS(ray::Task(note_run_then_throw).Remote(path).Get(), RayTaskException);
      ::usleep(100'000);
      CHECK(runs_in(path) == 1);
    }));
  }

  TEST_CASE("a worker killed while it is blocked in Get: its task runs again, and no slot is lost") {
    CHECK(in_session([] {
      const std::string folder = case_folder();
      for (int round = 0; round < 3; ++round) {
        const auto slow = ray::Task(sleep_ms).Remote(200);
        const auto blocked = ray::Task(announce_and_get).Remote(folder, slow);
        const pid_t first = announced_pid(folder);
        ::usleep(20'000);
        ::kill(first, SIGKILL);
        CHECK(announced_pid(folder) != first);
        CHECK(*blocked.Get() == 201);
      }
      check_two_slots();
    }));
  }

  TEST_CASE("a killed driver's references, queued tasks and running tasks end; another driver notices nothing") {
    CHECK(run_isolated(small_session(), [] {
      const std::string folder = case_folder();
      const NamedSession session("two");
      Child bystander([&] {
        join("two", [] {
          const auto held = ray::Put(std::string(2 * kMiB, 'k'));
          const auto running = ray::Task(own_pid).Remote(400);
          const auto running_on = ray::Task(own_pid).Remote(400);
          say("running");
          require(*running.Get() > 0 && *running_on.Get() > 0, "tasks");
          for (int i = 0; i < 200; ++i) require(*ray::Task(add).Remote(ray::Put(i), i).Get() == 2 * i, "later tasks");
          require(*held.Get() == std::string(2 * kMiB, 'k'), "an object");
        });
      });
      CHECK(bystander.read_line() == "running");
      Child victim([&] { hold_and_submit("two", folder); });
      CHECK(victim.read_line() == "holding");
      const pid_t running = announced_pid(folder);
      CHECK(running != 0);
      victim.kill();
      CHECK(all_end({running}));
      CHECK(bystander.wait().exit_code == 0);
      runs_in(folder + "/queued");  // some may have run before
      ::usleep(50'000);
      CHECK(runs_in(folder + "/queued") == 0);
      CHECK(becomes_empty("two"));
      CHECK(pids_in("two", "templates").empty());
    }));
  }
}
