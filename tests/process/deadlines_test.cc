// Tasks that must end within a time.
#include <doctest/doctest.h>
#include <mobula/cancel.h>
#include <mobula/task.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using ray::internal::RayDeadlineException;
using std::chrono::milliseconds;

namespace {

int sleep_ms(int time_ms) {
  for (const auto start = Clock::now(); milliseconds_since(start) < time_ms;) ::usleep(1'000);
  return time_ms;
}
int sleep_unless_cancelled() {
  while (!mobula::cancelled()) ::usleep(1'000);
  throw std::runtime_error("enough");
}
int finish_when_cancelled() {
  while (!mobula::cancelled()) ::usleep(1'000);
  return 3;
}
int own_pid() { return ::getpid(); }
RAY_REMOTE(sleep_ms, sleep_unless_cancelled, finish_when_cancelled, own_pid);

struct Sleeper {
  static Sleeper *make() { return new Sleeper; }
  int sleep(int time_ms) { return sleep_ms(time_ms); }
  int pid() { return ::getpid(); }
};
RAY_REMOTE(Sleeper::make, &Sleeper::sleep, &Sleeper::pid);

mobula::support::RunOptions one_worker() { return small_session(60'000, {{"MOBULA_WORKERS", "1"}}); }

}  // namespace

TEST_CASE("a task that is quick enough does not notice its deadline") {
  CHECK(in_session([] {
    require(*mobula::with_deadline(ray::Task(sleep_ms), milliseconds(20'000)).Remote(5).Get() == 5, "in time");
    require(*mobula::with_deadline(ray::Task(sleep_ms), milliseconds(-5)).Remote(5).Get() == 5, "none");
  }));
}

TEST_CASE("a queued task is over at its deadline, and not before") {
  CHECK(in_session(one_worker(), [] {
    auto first = ray::Task(sleep_ms).Remote(1'500);
    const auto start = Clock::now();
    auto second = mobula::with_deadline(ray::Task(sleep_ms), milliseconds(300)).Remote(0);
    const std::string text = text_thrown_by<RayDeadlineException>([&] { second.Get(); });
    require(contains(text, "deadline"), "over: " + text);
    require(milliseconds_since(start) >= 295, "not before its time");
    require(milliseconds_since(start) < 1'200, "and not only when the other has ended");
    require(*first.Get() == 1'500, "the other is not touched");
  }));
}

TEST_CASE("a running task is asked to end at its deadline, and killed a second later") {
  CHECK(in_session([] {
    auto start = Clock::now();
    auto asked = mobula::with_deadline(ray::Task(sleep_unless_cancelled), milliseconds(200)).Remote();
    require(!text_thrown_by<RayDeadlineException>([&] { asked.Get(); }).empty(), "what it throws then is the deadline");
    require(milliseconds_since(start) < 1'000, "without the second");
    require(*mobula::with_deadline(ray::Task(finish_when_cancelled), milliseconds(200)).Remote().Get() == 3,
            "a value that comes within the second stands");
    start = Clock::now();
    auto killed = mobula::with_deadline(ray::Task(sleep_ms), milliseconds(200)).Remote(30'000);
    require(!text_thrown_by<RayDeadlineException>([&] { killed.Get(); }).empty(), "it is over");
    require(milliseconds_since(start) >= 1'195, "it had a second");
    require(milliseconds_since(start) < 5'000, "and no more");
    require(*ray::Task(sleep_ms).Remote(1).Get() == 1, "others run");
  }));
}

TEST_CASE("a call that is over its deadline does not end its actor") {
  CHECK(in_session([] {
    auto actor = ray::Actor(Sleeper::make).Remote();
    const int pid = *actor.Task(&Sleeper::pid).Remote().Get();
    auto late = mobula::with_deadline(actor.Task(&Sleeper::sleep), milliseconds(200)).Remote(2'500);
    auto queued = mobula::with_deadline(actor.Task(&Sleeper::sleep), milliseconds(300)).Remote(0);
    const auto start = Clock::now();
    require(!text_thrown_by<RayDeadlineException>([&] { queued.Get(); }).empty(), "a queued one vanishes");
    require(!text_thrown_by<RayDeadlineException>([&] { late.Get(); }).empty(), "a running one is given up");
    require(milliseconds_since(start) < 2'200, "while it runs");
    require(*actor.Task(&Sleeper::pid).Remote().Get() == pid, "the actor goes on");
  }));
}
