// Tasks and actors that wait for each other: one of them is told, instead of all waiting for ever.
#include <doctest/doctest.h>
#include <mobula/cancel.h>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;
using ray::internal::RayException;

namespace {

class Fellow {
 public:
  static Fellow *make() { return new Fellow; }
  int befriend(ray::ActorHandle<Fellow> other) {
    others_.push_back(other);
    return 1;
  }
  // Goes `depth` calls deep along the friends.
  int ask(int depth) {
    if (depth == 0) return 1;
    return *others_.at(0).Task(&Fellow::ask).Remote(depth - 1).Get() + 1;
  }
  int ask_in_time(int depth) {
    const auto answer = others_.at(0).Task(&Fellow::ask).Remote(depth);
    std::vector<ray::ObjectRef<int>> one{answer};
    return static_cast<int>(ray::Wait(one, 1, 300).ready.size());
  }
  std::string message_of(int depth) {
    try {
      ask(depth);
    } catch (const RayException &problem) {
      return problem.what();
    }
    return "";
  }
  std::string try_to_ask(int depth) { return message_of(depth); }

 private:
  std::vector<ray::ActorHandle<Fellow>> others_;
};
RAY_REMOTE(Fellow::make, &Fellow::befriend, &Fellow::ask, &Fellow::ask_in_time, &Fellow::try_to_ask);

int fibonacci(int n) {
  if (n < 2) return n;
  auto one = ray::Task(fibonacci).Remote(n - 1);
  auto other = ray::Task(fibonacci).Remote(n - 2);
  return *one.Get() + *other.Get();
}
int ask_fellow(ray::ActorHandle<Fellow> fellow) { return *fellow.Task(&Fellow::ask).Remote(0).Get(); }
int leaf() { return 1; }
std::string need_the_same() {
  try {
    return std::to_string(*ray::Task(leaf).SetResource("x", 1.0).Remote().Get());
  } catch (const RayException &problem) {
    return problem.what();
  }
}
RAY_REMOTE(fibonacci, ask_fellow, leaf, need_the_same);

ray::ActorHandle<Fellow> make() { return ray::Actor(Fellow::make).Remote(); }
void befriend(ray::ActorHandle<Fellow> &one, ray::ActorHandle<Fellow> &other) {
  require(*one.Task(&Fellow::befriend).Remote(other).Get() == 1, "a friend");
}

}  // namespace

TEST_CASE("an actor that waits for itself is told so, and goes on") {
  CHECK(in_session([] {
    auto actor = make();
    befriend(actor, actor);
    const auto start = Clock::now();
    const std::string text = *actor.Task(&Fellow::try_to_ask).Remote(1).Get();
    require(contains(text, "deadlock: actor call"), text);
    require(contains(text, "try_to_ask") && contains(text, "is queued behind"), text);
    require(milliseconds_since(start) < 10'000, "at once");
    require(*actor.Task(&Fellow::ask).Remote(0).Get() == 1, "the actor lives");
    actor.Kill();
  }));
}

TEST_CASE("two actors that call each other in a circle: one call fails, with the chain as its text") {
  CHECK(in_session([] {
    auto one = make();
    auto other = make();
    befriend(one, other);
    befriend(other, one);
    std::string code;
    try {
      one.Task(&Fellow::ask).Remote(2).Get();
    } catch (const RayException &problem) {
      code = problem.what();
    }
    require(contains(code, "deadlock") && contains(code, "pid "), "the failure reaches the driver: " + code);
    require(*one.Task(&Fellow::ask).Remote(1).Get() == 2, "without a circle they answer");
    require(*other.Task(&Fellow::ask).Remote(1).Get() == 2, "both");
    one.Kill();
    other.Kill();
  }));
}

TEST_CASE("what ends by itself is no deadlock: waits with a time, deep nesting, queues before a busy actor") {
  CHECK(in_session([] {
    auto actor = make();
    befriend(actor, actor);
    require(*actor.Task(&Fellow::ask_in_time).Remote(0).Get() == 0, "the wait ends by itself");
    require(*ray::Task(fibonacci).Remote(9).Get() == 34, "nesting");
    std::vector<ray::ObjectRef<int>> all;
    for (int i = 0; i < 20; ++i) all.push_back(ray::Task(ask_fellow).Remote(actor));
    for (const auto &one : all) require(*one.Get() == 1, "all of them");
    actor.Kill();
  }));
}

TEST_CASE("a child that needs what its parent holds is told") {
  CHECK(mobula::support::run_isolated(small_session(60'000), [] {
    ray::RayConfig config;
    config.head_args = {"--resources", "{\"x\": 1}"};
    ray::Init(config);
    const std::string text = *ray::Task(need_the_same).SetResource("x", 1.0).Remote().Get();
    require(contains(text, "deadlock") && contains(text, "asks for resources that are held by"), text);
    require(*ray::Task(leaf).SetResource("x", 1.0).Remote().Get() == 1, "they are free again");
    const std::string mismatches = mismatches_in(own_session());
    require(mismatches.empty(), mismatches);
    ray::Shutdown();
  }));
}

TEST_CASE("with MOBULA_DEADLOCK=warn they wait") {
  CHECK(in_session(small_session(60'000, {{"MOBULA_DEADLOCK", "warn"}}), [] {
    auto actor = make();
    befriend(actor, actor);
    auto never = actor.Task(&Fellow::ask).Remote(1);
    std::vector<ray::ObjectRef<int>> one{never};
    require(ray::Wait(one, 1, 500).ready.empty(), "as if nothing was known");
    actor.Kill();
    require(!text_thrown_by<RayException>([&] { never.Get(); }).empty(), "until somebody ends it");
  }));
}
