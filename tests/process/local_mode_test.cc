// Tasks and actors that run in the program itself.
#include <doctest/doctest.h>

#include <mobula/errors.h>
#include <mobula/task.h>
#include <mobula/view.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "process/session_case.h"

using namespace mobula::process;
using namespace ray::internal;

namespace {

int runs = 0;  // a worker would count in a process of its own

int run_here() {
  ++runs;
  return ::getpid();
}
int add(int a, int b) { return a + b; }
void divide_by(int divisor) {
  if (divisor == 0) throw std::invalid_argument("division by zero");
}
int add_nested(int depth) { return depth == 0 ? 0 : 1 + *ray::Task(add_nested).Remote(depth - 1).Get(); }
std::size_t look_at(mobula::View<std::string> text) { return text.size(); }
std::string repeat(std::string text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}
ray::ObjectRef<int> put_inside(int value) { return ray::Put(value); }
int get_inside(ray::ObjectRef<int> reference) { return *reference.Get(); }
bool is_actor_task() { return mobula::runtime::is_actor(); }

class Counter {
 public:
  static inline int alive = 0;

  explicit Counter(int start) : count_(start) {
    if (start < 0) throw std::out_of_range("negative start");
    ++alive;
  }
  Counter(const Counter &) = delete;
  ~Counter() { --alive; }
  static Counter *create(int start) { return new Counter(start); }

  int add(int more) { return count_ += more; }
  int fail() const { throw std::runtime_error("count is " + std::to_string(count_)); }
  bool inside() const { return mobula::runtime::is_actor() && !*ray::Task(is_actor_task).Remote().Get(); }
  bool restarted() const { return ray::WasCurrentActorRestarted(); }
  void exit() const { ray::ExitActor(); }
  int kill_by_name(std::string name) {
    ray::GetActor<Counter>(name)->Kill();
    return count_;
  }

 private:
  int count_;
};

RAY_REMOTE(run_here, add, divide_by, add_nested, look_at, repeat, put_inside, get_inside, is_actor_task);
RAY_REMOTE(Counter::create, &Counter::add, &Counter::fail, &Counter::inside, &Counter::restarted, &Counter::exit,
           &Counter::kill_by_name);

mobula::support::RunResult in_local_mode(const std::function<void()> &body) {
  return mobula::support::run_isolated(small_session(), [&body] {
    ray::RayConfig config;
    config.local_mode = true;
    ray::Init(config);
    body();
    const std::string mismatches = mismatches_in(own_session());
    mobula::support::require(mismatches.empty(), mismatches);
    ray::Shutdown();
  });
}

template <typename Reference>
std::string actor_error(const Reference &reference) {
  return text_thrown_by<RayActorException>([&] { reference.Get(); });
}

}  // namespace

TEST_SUITE("process/local_mode") {
  TEST_CASE("a task has run in this process when Remote returns, and no worker was started") {
    CHECK(in_local_mode([] {
      const auto result = ray::Task(run_here).Remote();
      CHECK(runs == 1);
      CHECK(*result.Get() == ::getpid());
      CHECK(ray::Wait(std::vector{result}, 1, 0).ready.size() == 1);
      CHECK(contains(status_of(own_session()), "\"workers\": []"));
    }));
  }

  TEST_CASE("values, references, views and large results mean what they mean in workers") {
    CHECK(in_local_mode([] {
      CHECK(*ray::Task(add).Remote(ray::Put(1), ray::Task(add).Remote(2, 3)).Get() == 6);
      CHECK(*ray::Task(look_at).Remote(std::string(300, 'x')).Get() == 300);
      CHECK(*ray::Task(look_at).Remote(ray::Put(std::string(100'000, 'x'))).Get() == 100'000);
      CHECK(ray::Task(repeat).Remote("ab", 100'000).Get()->size() == 200'000);
      CHECK(*ray::Task(put_inside).Remote(5).Get()->Get() == 5);
      CHECK(*ray::Task(get_inside).Remote(ray::Put(7)).Get() == 7);
      CHECK(*ray::Task(add_nested).Remote(20).Get() == 20);
    }));
  }

  TEST_CASE("what a task throws comes out of Get, also of those that depend on it") {
    CHECK(in_local_mode([] {
      const auto failed = mobula::with_retries(ray::Task(divide_by).SetName("third"), 0).Remote(0);
      const auto text = text_thrown_by<RayTaskException>([&] { failed.Get(); });
      CHECK(contains(text, "std::invalid_argument: division by zero"));
      CHECK(contains(text, "divide_by"));
      const ray::ObjectRef<int> number(failed.ID());
      CHECK(contains(text_thrown_by<RayTaskException>([&] { ray::Task(add).Remote(1, number).Get(); }), "by zero"));
      try {
        failed.Get();
      } catch (const std::exception &problem) {
        CHECK(mobula::error_of(problem)->task == "third");
        CHECK(mobula::error_of(problem)->pid == ::getpid());
      }
    }));
  }

  TEST_CASE("an actor keeps its state, and its methods know where they are") {
    CHECK(in_local_mode([] {
      auto actor = ray::Actor(Counter::create).Remote(10);
      const auto eleven = actor.Task(&Counter::add).Remote(1);
      CHECK(*actor.Task(&Counter::add).Remote(eleven).Get() == 22);
      CHECK(*actor.Task(&Counter::inside).Remote().Get());
      CHECK_FALSE(*actor.Task(&Counter::restarted).Remote().Get());
      CHECK_FALSE(mobula::runtime::is_actor());
      CHECK(contains(text_thrown_by<RayTaskException>([&] { actor.Task(&Counter::fail).Remote().Get(); }), "is 22"));
      CHECK(*actor.Task(&Counter::add).Remote(1).Get() == 23);
      CHECK(Counter::alive == 1);
    }));
  }

  TEST_CASE("actors have names, of which each is taken once in a namespace") {
    CHECK(in_local_mode([] {
      auto first = ray::Actor(Counter::create).SetName("one").Remote(1);
      auto other = ray::Actor(Counter::create).SetName("one", "elsewhere").Remote(2);
      CHECK_THROWS_AS(ray::Actor(Counter::create).SetName("one").Remote(3), RayException);
      CHECK_THROWS_AS(ray::Actor(Counter::create).SetName("one", ray::GetNamespace()).Remote(3), RayException);
      CHECK(*ray::GetActor<Counter>("one")->Task(&Counter::add).Remote(0).Get() == 1);
      CHECK(*ray::GetActor<Counter>("one", "elsewhere")->Task(&Counter::add).Remote(0).Get() == 2);
      CHECK_FALSE(ray::GetActor<Counter>("two").has_value());
      first.Kill();
      CHECK_FALSE(ray::GetActor<Counter>("one").has_value());
      CHECK(*ray::Actor(Counter::create).SetName("one").Remote(4).Task(&Counter::add).Remote(0).Get() == 4);
    }));
  }

  TEST_CASE("an actor ends when it is killed, exits, loses its last handle, or at Shutdown") {
    CHECK(in_local_mode([] {
      auto killed = ray::Actor(Counter::create).Remote(1);
      killed.Kill();
      CHECK(Counter::alive == 0);
      CHECK(contains(actor_error(killed.Task(&Counter::add).Remote(1)), "killed"));
      auto exited = ray::Actor(Counter::create).Remote(1);
      CHECK(contains(actor_error(exited.Task(&Counter::exit).Remote()), "ExitActor"));
      CHECK(Counter::alive == 0);
      CHECK(contains(actor_error(exited.Task(&Counter::add).Remote(1)), "ExitActor"));
      auto itself = ray::Actor(Counter::create).SetName("itself").Remote(1);
      CHECK(*itself.Task(&Counter::kill_by_name).Remote("itself").Get() == 1);
      CHECK(Counter::alive == 0);
      static_cast<void>(ray::Actor(Counter::create).Remote(1));
      auto last = ray::Actor(Counter::create).Remote(1);
      CHECK(Counter::alive == 1);
    }));
    CHECK(mobula::support::run_isolated(small_session(), [] {
      ray::RayConfig config;
      config.local_mode = true;
      ray::Init(config);
      const auto kept = ray::Actor(Counter::create).Remote(1);
      ray::Shutdown();
      CHECK(Counter::alive == 0);
    }));
  }

  TEST_CASE("a factory that throws makes an actor that is dead") {
    CHECK(in_local_mode([] {
      auto actor = ray::Actor(Counter::create).Remote(-1);
      CHECK(contains(actor_error(actor.Task(&Counter::add).Remote(1)), "negative start"));
      CHECK(Counter::alive == 0);
    }));
  }

  TEST_CASE("several threads may call one actor") {
    CHECK(in_local_mode([] {
      auto actor = ray::Actor(Counter::create).Remote(0);
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([handle = actor]() mutable {
          for (int k = 0; k < 100; ++k) handle.Task(&Counter::add).Remote(1);
        });
      }
      for (std::thread &thread : threads) thread.join();
      CHECK(*actor.Task(&Counter::add).Remote(0).Get() == 400);
    }));
  }

  TEST_CASE("a session with workers may follow") {
    CHECK(mobula::support::run_isolated(small_session(), [] {
      ray::RayConfig config;
      config.local_mode = true;
      ray::Init(config);
      ray::Shutdown();
      ray::Init();
      CHECK(*ray::Task(run_here).Remote().Get() != ::getpid());
      ray::Shutdown();
    }));
  }
}
