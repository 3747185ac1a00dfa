// Tasks that somebody ends: queued ones vanish, running ones see it or are killed.
#include <doctest/doctest.h>
#include <mobula/cancel.h>
#include <mobula/task.h>
#include <pthread.h>

#include <thread>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using ray::internal::RayCancelledException;

namespace {

void note(const std::string &path, const std::string &line) { std::ofstream(path, std::ios::app) << line << "\n"; }
std::string notes(const std::string &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
bool is_noted(const std::string &path, const std::string &line, int limit_ms = 10'000) {
  return eventually([&] { return contains(notes(path), line); }, limit_ms);
}

// Waits until it is cancelled, then says so.
int wait_for_cancel(std::string path, bool throws) {
  note(path, "pid " + std::to_string(::getpid()) + ".");
  while (!mobula::cancelled()) ::usleep(1'000);
  note(path, "seen");
  if (throws) throw std::runtime_error("I was told to stop");
  return 7;
}
int throw_without_looking(std::string path) {
  note(path, "begun");
  while (!contains(notes(path), "go")) ::usleep(1'000);
  throw std::runtime_error("an accident");
}
int seen_by_thread(std::string path) {
  note(path, "begun");
  bool seen = false;
  std::thread([&seen] {
    while (!mobula::cancelled()) ::usleep(1'000);
    seen = true;
  }).join();
  return seen ? 1 : 0;
}
[[noreturn]] int loop_for_ever(std::string path) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  note(path, "pid " + std::to_string(::getpid()) + ".");
  volatile std::uint64_t turns = 0;
  for (;;) turns = turns + 1;
}
int one(std::string path, int value) {
  note(path, "one " + std::to_string(value) + ".");
  return value;
}
int plus_one(int value) { return value + 1; }
bool is_cancelled_now() { return mobula::cancelled(); }
RAY_REMOTE(wait_for_cancel, throw_without_looking, seen_by_thread, loop_for_ever, one, plus_one, is_cancelled_now);

struct Slow {
  static Slow *make() { return new Slow; }
  int wait(std::string path) {
    note(path, "waits");
    while (!mobula::cancelled() && !contains(notes(path), "go")) ::usleep(1'000);
    if (mobula::cancelled()) throw std::runtime_error("stopped");
    return ++calls;
  }
  int count(std::string path, int value) {
    note(path, "count " + std::to_string(value) + ".");
    return ++calls;
  }
  int calls = 0;
};
RAY_REMOTE(Slow::make, &Slow::wait, &Slow::count);

pid_t pid_in(const std::string &path) {
  require(is_noted(path, "."), "the task has begun");
  const std::string text = notes(path);
  return static_cast<pid_t>(std::stol(text.substr(text.find("pid ") + 4)));
}

mobula::support::RunOptions one_worker() { return small_session(60'000, {{"MOBULA_WORKERS", "1"}}); }

}  // namespace

TEST_CASE("queued tasks vanish, and what needs them fails with them") {
  CHECK(in_session(one_worker(), [] {
    const std::string path = case_folder() + "/notes";
    auto first = ray::Task(wait_for_cancel).Remote(path, false);
    auto second = ray::Task(one).Remote(path, 2);
    auto third = ray::Task(one).Remote(path, 3);
    auto dependant = ray::Task(plus_one).Remote(second);
    require(is_noted(path, "."), "the first has begun");
    mobula::cancel(second);
    const std::string text = text_thrown_by<RayCancelledException>([&] { second.Get(); });
    require(contains(text, "was cancelled"), "it is cancelled: " + text);
    require(!text_thrown_by<std::exception>([&] { dependant.Get(); }).empty(), "its dependant has failed");
    mobula::cancel(second);  // again: nothing happens
    mobula::cancel(first);
    require(*first.Get() == 7, "what went on to its end keeps its value");
    require(*third.Get() == 3, "the others run");
    require(!contains(notes(path), "one 2."), "the cancelled one never ran");
    mobula::cancel(third);
    require(*third.Get() == 3, "too late");
    std::filesystem::remove(path);
  }));
}

TEST_CASE("a running task sees that it is cancelled; what it throws then is its cancelling") {
  CHECK(in_session([] {
    const std::string path = case_folder() + "/notes";
    auto task = ray::Task(wait_for_cancel).Remote(path, true);
    require(is_noted(path, "."), "begun");
    mobula::cancel(task);
    std::string cause;
    try {
      task.Get();
    } catch (const RayCancelledException &problem) {
      cause = problem.error().causes.at(0).message;
    }
    require(contains(cause, "I was told to stop"), "with what it threw as the cause: " + cause);
    std::filesystem::remove(path);

    auto accident =
        mobula::with_retry_exceptions(mobula::with_retries(ray::Task(throw_without_looking), 3)).Remote(path);
    require(is_noted(path, "begun"), "begun");
    mobula::cancel(accident);
    note(path, "go");
    const std::string text = text_thrown_by<ray::internal::RayTaskException>([&] { accident.Get(); });
    require(contains(text, "an accident"), "what it threw without having looked is its failure: " + text);
    std::filesystem::remove(path);

    auto threads = ray::Task(seen_by_thread).Remote(path);
    require(is_noted(path, "begun"), "begun");
    mobula::cancel(threads);
    require(*threads.Get() == 1, "its threads see it");
    require(!*ray::Task(is_cancelled_now).Remote().Get(), "the next task is not cancelled");
    require(!mobula::cancelled(), "the driver never is");
    std::filesystem::remove(path);
  }));
}

TEST_CASE("by force an endless loop ends, though it blocks all signals, and nothing else is lost with it") {
  CHECK(in_session(one_worker(), [] {
    const std::string path = case_folder() + "/notes";
    auto endless = mobula::with_retries(ray::Task(loop_for_ever), 5).Remote(path);
    std::vector<ray::ObjectRef<int>> others;
    for (int i = 0; i < 20; ++i) others.push_back(mobula::with_retries(ray::Task(one), 0).Remote(path, i));
    const pid_t pid = pid_in(path);
    const auto start = Clock::now();
    mobula::cancel(endless, true);
    require(!text_thrown_by<RayCancelledException>([&] { endless.Get(); }).empty(), "it is cancelled");
    require(milliseconds_since(start) < 5'000, "at once");
    require(has_ended(pid), "its process is gone");
    for (int i = 0; i < 20; ++i) require(*others[static_cast<std::size_t>(i)].Get() == i, "the others run");
    const std::string all = notes(path);
    require(all.find("pid ") == all.rfind("pid "), "it was not tried again");
    std::filesystem::remove(path);
  }));
}

TEST_CASE("a call of an actor can be cancelled, the order of the others stays, and force is refused") {
  CHECK(in_session([] {
    const std::string path = case_folder() + "/notes";
    auto actor = ray::Actor(Slow::make).Remote();
    auto running = actor.Task(&Slow::wait).Remote(path);
    std::vector<ray::ObjectRef<int>> calls;
    for (int i = 0; i < 5; ++i) calls.push_back(actor.Task(&Slow::count).Remote(path, i));
    require(is_noted(path, "waits"), "the first runs");
    mobula::cancel(calls[2]);
    require(!text_thrown_by<RayCancelledException>([&] { calls[2].Get(); }).empty(), "a queued one vanishes");
    const std::string text = text_thrown_by<ray::internal::RayException>([&] { mobula::cancel(calls[3], true); });
    require(contains(text, "by force"), "force is refused: " + text);
    mobula::cancel(running);
    require(!text_thrown_by<RayCancelledException>([&] { running.Get(); }).empty(), "a running one sees it");
    require(*calls[4].Get() == 4, "four calls have counted");
    require(notes(path) == "waits\ncount 0.\ncount 1.\ncount 3.\ncount 4.\n", "in order: " + notes(path));
    std::filesystem::remove(path);
  }));
}

TEST_CASE("what no task makes cannot be cancelled") {
  CHECK(in_session([] {
    auto object = ray::Put(5);
    mobula::cancel(object);  // it is there already: too late
    require(*object.Get() == 5, "as it was");
    require(!text_thrown_by<ray::internal::RayException>([] { mobula::cancel(ray::ObjectRef<int>()); }).empty(),
            "an empty reference");
  }));
}
