// Everything of a session killed at once, and the next one started in the same moment.
#include <doctest/doctest.h>

#include "process/named_session.h"
#include "support/leak_checks.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::run_isolated;
using mobula::support::run_program;

namespace {

constexpr std::size_t kHeldBytes = 32u << 20;
constexpr std::int64_t kToleranceKib = 1'024;  // other programs of the machine own shared memory, too

int spin(int seed) {
  for (unsigned long i = 0;; ++i) {
    if (i % 100'000'000 == 0) ray::Put(seed);
  }
}
int add(int a, int b) { return a + b; }

RAY_REMOTE(spin, add);

int starts_wanted() {
  const char *text = std::getenv("MOBULA_STARTS");
  return text == nullptr ? 20 : std::atoi(text);
}

// Holds much, and has a task on every slot and more that wait.
void hold_and_run() {
  ::setenv("RAY_ADDRESS", "again", 1);
  ray::Init();
  const auto held = ray::Put(std::string(kHeldBytes, 'h'));
  ray::Task(add).Remote(1, 2).Get();
  std::vector<ray::ObjectRef<int>> running;
  for (int i = 0; i < 20; ++i) running.push_back(ray::Task(spin).Remote(i));
  say("running");
  ray::Get(running);
}

// Starts a session and a driver, and kills all of it in one go. Gives everybody's pid.
std::vector<pid_t> start_and_kill() {
  NamedSession session("again", {"--workers", "2", "--memory", "64MiB"});
  Child driver(hold_and_run);
  CHECK(driver.read_line() == "running");
  CHECK(eventually([&] { return process_tree(session.pid()).size() >= 4; }));  // raylet, template, two workers
  std::vector<pid_t> all = process_tree(session.pid());
  all.push_back(driver.pid());
  session.kill();
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  return all;
}

}  // namespace

TEST_SUITE("process/restarts") {
  TEST_CASE("a session starts at once after all processes of the last one of its name were killed") {
    CHECK(run_isolated(small_session(600'000), [] {
      const std::int64_t before_kib = mobula::support::shmem_kib();
      for (int i = 0; i < starts_wanted(); ++i) {
        CAPTURE(i);
        const std::vector<pid_t> killed = start_and_kill();
        {
          const NamedSession next("again");  // in the middle of the others' end
          join("again", [] { CHECK(*ray::Task(add).Remote(2, 3).Get() == 5); });
        }
        CHECK(all_end(killed));
        CHECK(eventually([&] { return mobula::support::shmem_kib() <= before_kib + kToleranceKib; }, 15'000));
      }
    }));
  }

  TEST_CASE("the name of a session that lives is refused at once") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("again");
      const auto start = Clock::now();
      const auto second = run_program({program("MOBULA_RAYLET"), "--session", "again"}, inside_case());
      CHECK_FALSE(second.ok);
      CHECK(contains(second.errors, "mobula stop --session again"));
      CHECK(milliseconds_since(start) < 1'000);
    }));
  }
}
