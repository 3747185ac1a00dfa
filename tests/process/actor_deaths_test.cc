// How actors end: killed, exited, crashed, restarted, with their driver; and what becomes of their calls.
#include <doctest/doctest.h>
#include <mobula/actor.h>
#include <sys/wait.h>

#include "process/actors.h"

using namespace mobula::process;
using mobula::support::require;

RAY_REMOTE(Counter::Make, &Counter::Add, &Counter::Get, &Counter::Pid, &Counter::IsRestarted, &Counter::Exit,
           &Counter::Die, &Counter::Sleep, Counter::MakeSlowly);

namespace {
int same(int value) { return value; }
}  // namespace
RAY_REMOTE(same);

TEST_CASE("a killed actor fails its calls, also later ones, and is gone") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).Remote(0);
    const int pid = *counter.Task(&Counter::Pid).Remote().Get();
    auto running = counter.Task(&Counter::Sleep).Remote(10'000);
    auto queued = counter.Task(&Counter::Get).Remote();
    ::usleep(20'000);
    counter.Kill();
    require(contains(error_of([&] { running.Get(); }), "actor: The actor died: it was killed"), "running");
    require(contains(error_of([&] { queued.Get(); }), "actor: The actor died: it was killed"), "queued");
    require(contains(error_of([&] { counter.Task(&Counter::Get).Remote().Get(); }), "actor: "), "later");
    require(eventually([&] { return has_ended(pid); }), "its process is gone");
  }));
}

TEST_CASE("an actor that is killed before it was made is not made") {
  CHECK(in_session([] {
    for (int i = 0; i < 20; ++i) {
      auto counter = ray::Actor(&Counter::Make).Remote(0);
      auto call = counter.Task(&Counter::Get).Remote();
      counter.Kill();
      require(contains(error_of([&] { call.Get(); }), "actor: "), "its call fails");
    }
    require(eventually([] { return actors_alive() == 0; }), "none is left");
  }));
}

TEST_CASE("a worker whose actor was given up while it was made does not stay in the pool") {
  CHECK(in_session([] {
    for (int i = 0; i < 40; ++i) {
      auto counter = ray::Actor(&Counter::MakeSlowly).Remote(i % 4);
      ::usleep(static_cast<useconds_t>(i % 5) * 1'000);
      counter.Kill();
      std::vector<ray::ObjectRef<int>> results;
      for (int value = 0; value < 4; ++value) results.push_back(ray::Task(same).Remote(value));
      for (int value = 0; value < 4; ++value) require(*results[value].Get(10'000) == value, "a task behind it");
    }
    require(eventually([] { return actors_alive() == 0; }), "none is left");
  }));
}

TEST_CASE("ExitActor ends the actor in order: its call and those behind it fail, it is not restarted") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).SetMaxRestarts(-1).Remote(0);
    auto before = counter.Task(&Counter::Add).Remote(3);
    auto exit = counter.Task(&Counter::Exit).Remote();
    auto after = counter.Task(&Counter::Get).Remote();
    require(*before.Get() == 3, "before it");
    require(contains(error_of([&] { exit.Get(); }), "ExitActor"), "the call itself");
    require(contains(error_of([&] { after.Get(); }), "ExitActor"), "behind it");
    CHECK_THROWS_AS(ray::ExitActor(), std::logic_error);
  }));
}

TEST_CASE("a crash is reported with pid and signal") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).Remote(0);
    const int pid = *counter.Task(&Counter::Pid).Remote().Get();
    auto call = counter.Task(&Counter::Die).Remote(SIGSEGV);
    const std::string error = error_of([&] { call.Get(); });
    require(contains(error, "actor: ") && contains(error, std::to_string(pid)) && contains(error, "signal 11"), error);
  }));
}

TEST_CASE("an actor with restarts is made anew; what had not begun runs there") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).SetMaxRestarts(2).Remote(100);
    counter.Task(&Counter::Add).Remote(1);
    require(!*counter.Task(&Counter::IsRestarted).Remote().Get(), "not yet");
    for (int restart = 1; restart <= 2; ++restart) {
      auto death = counter.Task(&Counter::Die).Remote(SIGKILL);
      auto next = counter.Task(&Counter::Get).Remote();
      require(contains(error_of([&] { death.Get(); }), "unavailable"), "what ran has failed");
      require(*next.Get() == 100, "a new state");
      require(*counter.Task(&Counter::IsRestarted).Remote().Get(), "and it knows");
    }
    auto death = counter.Task(&Counter::Die).Remote(SIGKILL);
    auto next = counter.Task(&Counter::Get).Remote();
    require(contains(error_of([&] { death.Get(); }), "actor: "), "the third death");
    require(contains(error_of([&] { next.Get(); }), "actor: "), "is the last");
  }));
}

TEST_CASE("Kill(false) restarts an actor that may be, and ends one that may not") {
  CHECK(in_session([] {
    auto counter = ray::Actor(&Counter::Make).SetMaxRestarts(1).Remote(5);
    const int pid = *counter.Task(&Counter::Pid).Remote().Get();
    counter.Kill(false);
    require(eventually([&] { return has_ended(pid); }), "killed");
    require(*counter.Task(&Counter::Get).Remote().Get() == 5, "restarted");
    counter.Kill(false);
    require(eventually([&] { return contains(error_of([&] { counter.Task(&Counter::Get).Remote().Get(); }), "died"); }),
            "only once");
  }));
}

TEST_CASE("of ten thousand queued calls each ends, in order, when the actor is killed in the middle") {
  CHECK(in_session(small_session(60'000), [] {
    auto counter = ray::Actor(&Counter::Make).Remote(0);
    const int pid = *counter.Task(&Counter::Pid).Remote().Get();
    std::vector<ray::ObjectRef<int>> results;
    for (int i = 0; i < 10'000; ++i) {
      results.push_back(counter.Task(&Counter::Add).Remote(1));
      if (i == 5'000) ::kill(pid, SIGKILL);
    }
    int good = 0;
    bool failed = false;
    for (const auto &result : results) {
      try {
        const int value = *result.Get(20'000);
        require(!failed, "no result after the first failure");
        require(value == ++good, "in order");
      } catch (const ray::internal::RayActorException &) {
        failed = true;
      }
    }
    require(failed && good < 10'000, "it was killed in the middle");
  }));
}

TEST_CASE("actors of a driver end with it, detached ones do not") {
  CHECK(in_session([] {
    // A driver of the same session that makes both and ends.
    const pid_t driver = ::fork();
    if (driver == 0) {
      ray::RayConfig config;
      config.address = "embedded-" + std::to_string(::getppid());
      ray::Init(config);
      auto plain = ray::Actor(&Counter::Make).SetName("plain", "both").Remote(1);
      auto detached =
          mobula::detached(ray::Actor(&Counter::Make)).SetName("detached", "both").SetMaxRestarts(1).Remote(2);
      const bool good =
          *plain.Task(&Counter::Get).Remote().Get() == 1 && *detached.Task(&Counter::Get).Remote().Get() == 2;
      ::_exit(good ? 0 : 1);
    }
    int status = 0;
    require(::waitpid(driver, &status, 0) == driver && status == 0, "the driver has made both");
    require(eventually([] { return !ray::GetActor<Counter>("plain", "both"); }), "one ends");
    auto detached = ray::GetActor<Counter>("detached", "both");
    require(detached && *detached->Task(&Counter::Add).Remote(3).Get() == 5, "the other lives on");
    detached->Kill(false);
    require(eventually([&] { return error_of([&] { detached->Task(&Counter::Get).Remote().Get(); }).empty(); }),
            "and can be restarted without its driver");
    require(*detached->Task(&Counter::Add).Remote(3).Get() == 5, "with a new state");
    detached->Kill();
    require(eventually([] { return actors_alive() == 0; }), "until it is killed");
  }));
}

TEST_CASE("a thousand actors are made, called and ended with a soft limit of 1,024 descriptors") {
  auto options = small_session(60'000);
  CHECK(in_session(options, [] {
    std::vector<ray::ActorHandle<Counter>> actors;
    std::vector<ray::ObjectRef<int>> results;
    for (int i = 0; i < 1'000; ++i) actors.push_back(ray::Actor(&Counter::Make).Remote(i));
    for (auto &actor : actors) results.push_back(actor.Task(&Counter::Add).Remote(1));
    for (int i = 0; i < 1'000; ++i) require(*results[i].Get() == i + 1, std::to_string(i));
    actors.clear();
    require(eventually([] { return actors_alive() == 0; }, 20'000), "all end");
  }));
}
