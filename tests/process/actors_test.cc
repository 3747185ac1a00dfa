// Actors: made, called, handed around, named, and ended.
#include "process/actors.h"

#include <doctest/doctest.h>

using namespace mobula::process;
using mobula::support::require;

namespace {

int ask_twice(ray::ActorHandle<Counter> counter) { return 2 * *counter.Task(&Counter::Get).Remote().Get(); }
ray::ActorHandle<Counter> make_in_task(int start) { return ray::Actor(&Counter::Make).Remote(start); }
int slow_value(int value) {
  ::usleep(50'000);
  return value;
}
int fail() { throw std::runtime_error("no value"); }
std::string ns_in_task() { return ray::GetActor<Counter>("shared") ? "found" : "missing"; }

}  // namespace

RAY_REMOTE(Counter::Make, Counter::MakeNoted, Counter::MakeThrowing, &Counter::Add, &Counter::Get, &Counter::Pid,
           &Counter::IsRestarted, &Counter::Exit, &Counter::Die, &Counter::Sleep, &Counter::Befriend,
           &Counter::AskFriend, &Counter::Friend, &Counter::Throw, &Counter::Kind, &Counter::Same, &Counter::Mark);
RAY_REMOTE(ask_twice, make_in_task, slow_value, fail, ns_in_task);

TEST_CASE("an actor keeps its state, in a process of its own") {
  CHECK(in_session([] {
    auto one = ray::Actor(&Counter::Make).Remote(10);
    auto two = ray::Actor(&Counter::Make).Remote(20);
    require(*one.Task(&Counter::Add).Remote(1).Get() == 11, "11");
    require(*one.Task(&Counter::Add).Remote(2).Get() == 13, "13");
    require(*two.Task(&Counter::Get).Remote().Get() == 20, "20");
    const int pid = *one.Task(&Counter::Pid).Remote().Get();
    require(pid != *two.Task(&Counter::Pid).Remote().Get() && pid != ::getpid(), "three processes");
    require(pid == *one.Task(&Counter::Pid).Remote().Get(), "and the same one each time");
  }));
}

TEST_CASE("methods of base classes work, virtual ones, and those of a second base") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).Remote(0);
    require(*counter.Task(&Counter::Kind).Remote().Get() == 2, "its own");
    require(*counter.Task(&Named::Kind).Remote().Get() == 2, "through the base");
    require(*counter.Task(&Counter::Same).Remote().Get() == 11, "of the first base");
    require(*counter.Task(&Counter::Mark).Remote().Get() == 42, "of the second base");
  }));
}

RAY_REMOTE(&Named::Kind);

TEST_CASE("calls of one caller run in order, also when an argument comes late") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).Remote(0);
    auto late = ray::Task(slow_value).Remote(5);
    std::vector<ray::ObjectRef<int>> results;
    for (int i = 0; i < 500; ++i) {
      results.push_back(i == 100 ? counter.Task(&Counter::Add).Remote(late) : counter.Task(&Counter::Add).Remote(1));
    }
    for (int i = 0; i < 500; ++i) require(*results[i].Get() == (i < 100 ? i + 1 : i + 5), std::to_string(i));
    auto failed = counter.Task(&Counter::Add).Remote(ray::Task(fail).Remote());
    auto after = counter.Task(&Counter::Get).Remote();
    require(contains(error_of([&] { failed.Get(); }), "no value"), "a failed argument fails the call");
    require(*after.Get() == 504, "and no other");
  }));
}

TEST_CASE("handles travel as arguments, results, members and inside objects, and each keeps the actor") {
  CHECK(in_session([] {
    auto holder = ray::Actor(&Counter::Make).Remote(1);
    {
      auto counter = ray::Actor(&Counter::Make).Remote(7);
      require(*ray::Task(ask_twice).Remote(counter).Get() == 14, "as an argument");
      holder.Task(&Counter::Befriend).Remote(counter).Get();
    }
    require(*holder.Task(&Counter::AskFriend).Remote().Get() == 7, "as a member");
    auto again = *holder.Task(&Counter::Friend).Remote().Get();
    require(*again.Task(&Counter::Get).Remote().Get() == 7, "as a result");
    auto made = *ray::Task(make_in_task).Remote(3).Get();
    require(*made.Task(&Counter::Get).Remote().Get() == 3, "of an actor that a task has made");
    auto inside = ray::Put(std::vector<ray::ActorHandle<Counter>>{made});
    made = {};
    ::usleep(20'000);
    require(*(*inside.Get())[0].Task(&Counter::Get).Remote().Get() == 3, "inside an object");
    require(actors_alive() == 3, "three are alive");
  }));
}

TEST_CASE("an actor ends when its last handle is gone and its calls have ended, and its destructor runs") {
  CHECK(in_session([] {
    const std::string path = case_folder() + "/notes";
    ray::ObjectRef<int> result;
    {
      auto counter = ray::Actor(&Counter::MakeNoted).Remote(path);
      counter.Task(&Counter::Sleep).Remote(50);
      result = counter.Task(&Counter::Add).Remote(5);
    }
    require(*result.Get() == 5, "queued calls run");
    require(eventually([&] { return file_text(path) == "me"; }), "made and ended: " + file_text(path));
    require(eventually([] { return actors_alive() == 0; }), "none is left");
    require(eventually([] { return store_figure("objects") <= 1; }), "nor what stood for it");
    std::filesystem::remove(path);
  }));
}

TEST_CASE("two idle actors that hold each other are found by the mark pass, others are not") {
  CHECK(in_session([] {
    auto kept = ray::Actor(&Counter::Make).Remote(0);
    {
      auto one = ray::Actor(&Counter::Make).Remote(1);
      auto two = ray::Actor(&Counter::Make).Remote(2);
      one.Task(&Counter::Befriend).Remote(two).Get();
      two.Task(&Counter::Befriend).Remote(one).Get();
      kept.Task(&Counter::Befriend).Remote(kept).Get();
      require(mobula::collect_cycles().objects == 0, "we still refer to them");
    }
    require(actors_alive() == 3, "they keep each other");
    require(mobula::collect_cycles().objects == 2, "and are found");
    require(eventually([] { return actors_alive() == 1; }), "and end");
    require(*kept.Task(&Counter::Get).Remote().Get() == 0, "one that we refer to lives on");
  }));
}

TEST_CASE("named actors are found by every process of the job while they live") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).SetName("shared").Remote(5);
    auto found = ray::GetActor<Counter>("shared");
    require(found && *found->Task(&Counter::Get).Remote().Get() == 5, "by us");
    require(*ray::Task(ns_in_task).Remote().Get() == "found", "by a task");
    require(!ray::GetActor<Counter>("nobody") && !ray::GetActor<Counter>(""), "no others");
    require(!ray::GetActor<Counter>("shared", "elsewhere"), "not in another namespace");
    require(contains(error_of([] { ray::Actor(&Counter::Make).SetName("shared").Remote(6); }), "already exists"),
            "names are unique");
    auto elsewhere = ray::Actor(&Counter::Make).SetName("shared", "elsewhere").Remote(7);
    require(*ray::GetActor<Counter>("shared", "elsewhere")->Task(&Counter::Get).Remote().Get() == 7, "by namespace");
    counter.Kill();
    require(eventually([] { return !ray::GetActor<Counter>("shared"); }), "a dead one is not found");
    auto next = ray::Actor(&Counter::Make).SetName("shared").Remote(8);
    require(*ray::GetActor<Counter>("shared")->Task(&Counter::Get).Remote().Get() == 8, "the name is free again");
  }));
}

TEST_CASE("a constructor that throws is reported by the first call, and by all others") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::MakeThrowing).Remote();
    for (int i = 0; i < 3; ++i) {
      const std::string error = error_of([&] { counter.Task(&Counter::Get).Remote().Get(); });
      require(contains(error, "actor: ") && contains(error, "no such counter"), error);
    }
    require(actors_alive() == 0, "there is none");
  }));
}

TEST_CASE("what a method throws is its call's error; the actor goes on") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).Remote(3);
    auto thrown = counter.Task(&Counter::Throw).Remote();
    require(contains(error_of([&] { thrown.Get(); }), "thrown by a method"), "thrown");
    require(*counter.Task(&Counter::Get).Remote().Get() == 3, "goes on");
  }));
}

TEST_CASE("with a concurrency of eight, calls run side by side") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).SetMaxConcurrency(8).Remote(0);
    counter.Task(&Counter::Get).Remote().Get();
    const auto start = Clock::now();
    std::vector<ray::ObjectRef<int>> results;
    for (int i = 0; i < 8; ++i) results.push_back(counter.Task(&Counter::Sleep).Remote(200));
    ray::Get(results);
    require(milliseconds_since(start) < 800, "eight sleeps of 200 ms");
    require(contains(error_of([] { ray::Actor(&Counter::Make).SetMaxConcurrency(0).Remote(0); }), "concurrency"),
            "none is refused");
  }));
}
