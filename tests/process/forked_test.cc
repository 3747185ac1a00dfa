// fork() of a process that has handles; exit() with static handles; handles that outlive their session.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <optional>

#include "process/named_session.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::require;
using mobula::support::run_isolated;
using ray::internal::RayException;

namespace {

using Text = ray::ObjectRef<std::string>;

int add(int a, int b) { return a + b; }
std::string make_text(int bytes) { return std::string(static_cast<std::size_t>(bytes), 't'); }

// Forks in the middle of a task; the child plays with handles and ends as `how` says.
int fork_inside(Text argument, int how) {
  const auto own = ray::Put(std::string(5'000, 'o'));
  const auto pending = ray::Task(add).Remote(1, 2);
  const pid_t child = ::fork();
  if (child == 0) {
    { const std::vector<Text> copies(10, argument); }
    { const auto moved = own; }
    if (how == 0) ::_exit(0);
    if (how == 1) ::kill(::getpid(), SIGKILL);
    std::exit(0);
  }
  ::waitpid(child, nullptr, 0);
  require(*own.Get() == std::string(5'000, 'o') && *argument.Get() == std::string(1'000, 'a'), "after a fork");
  return *pending.Get();
}

RAY_REMOTE(add, make_text, fork_inside);

std::optional<std::vector<Text>> kept_for_exit;

std::uint64_t objects() { return number_after(status_of(own_session()), "objects"); }

// In a child made by fork(): copies, drops and assigns the parent's handles, and asks them for things.
void play_with(std::vector<Text> &handles) {
  for (int i = 0; i < 100; ++i) {
    std::vector<Text> copies = handles;
    copies.front() = handles.back();
    copies.resize(1);
  }
  for (const Text &handle : handles) require(!text_thrown_by<RayException>([&] { handle.Get(); }).empty(), "Get");
  handles.pop_back();
  handles.front() = {};
}

}  // namespace

TEST_SUITE("process/forked") {
  TEST_CASE("a forked child copies, drops and keeps its parent's handles, and the parent's counts stay as they are") {
    CHECK(in_session([] {
      std::vector<Text> handles{ray::Put(make_text(10)), ray::Put(make_text(9'000)), ray::Put(make_text(2'000'000)),
                                ray::Task(make_text).Remote(300'000)};
      handles.back().Get();
      const std::uint64_t before = objects();
      for (const int how : {0, 1, 2, 3}) {
        Child child([&handles, how] {
          play_with(handles);
          kept_for_exit = handles;
          if (how == 1) std::exit(0);
          if (how == 2) ::kill(::getpid(), SIGKILL);
          if (how == 3) ray::Shutdown();
        });
        child.wait();
        CHECK(objects() == before);
        CHECK(*handles[2].Get() == make_text(2'000'000));
      }
      CHECK(*handles[0].Get() == make_text(10));
      CHECK(*ray::Task(add).Remote(4, 5).Get() == 9);
      handles.clear();
      CHECK(becomes_empty(own_session()));
    }));
  }

  TEST_CASE("a forked child may Init anew, with its parent's handles around, in a session of its own or the parent's") {
    CHECK(run_isolated(small_session(), [] {
      const NamedSession session("shared");
      join("shared", [] {
        const auto held = ray::Put(make_text(1'000));
        for (const char *address : {"", "shared"}) {
          Child child([&held, address] {
            ray::RayConfig config;
            config.address = address;
            ray::Init(config);
            const Text copy = held;
            require(!text_thrown_by<RayException>([&] { copy.Get(); }).empty(), "a handle of the parent");
            require(*ray::Task(add).Remote(ray::Put(1), 2).Get() == 3, "a session of the child's own");
            kept_for_exit = std::vector<Text>{copy, ray::Put(make_text(7))};
            std::exit(17);
          });
          CHECK(child.wait().exit_code == 17);
        }
        CHECK(*held.Get() == make_text(1'000));
      });
      CHECK(becomes_empty("shared"));
    }));
  }

  TEST_CASE("a task may fork: the child's end, by _exit, by a signal or by exit, is not its worker's") {
    CHECK(in_session([] {
      const auto argument = ray::Put(std::string(1'000, 'a'));
      const auto list = ray::Put(argument);
      for (int i = 0; i < 9; ++i) CHECK(*ray::Task(fork_inside).Remote(*list.Get(), i % 3).Get() == 3);
      CHECK(*argument.Get() == std::string(1'000, 'a'));
    }));
  }

  TEST_CASE("exit() with handles of every kind in static objects, before and after Shutdown, after a second Init") {
    CHECK(run_isolated(small_session(), [] {
      for (const int how : {0, 1, 2}) {
        Child program([how] {
          ray::Init();
          kept_for_exit = std::vector<Text>{ray::Put(make_text(10)), ray::Put(make_text(3'000'000)),
                                            ray::Task(make_text).Remote(20'000), Text()};
          kept_for_exit->push_back(Text(kept_for_exit->front().ID()));
          if (how >= 1) ray::Shutdown();
          if (how == 2) ray::Init();
          if (how == 2) kept_for_exit->push_back(ray::Put(make_text(50)));
          std::exit(30 + how);
        });
        CHECK(program.wait().exit_code == 30 + how);
      }
    }));
  }

  TEST_CASE("handles are used and dropped after Shutdown, and through three more sessions") {
    CHECK(in_session([] {
      std::vector<Text> old{ray::Put(make_text(10)), ray::Put(make_text(9'000)), ray::Task(make_text).Remote(400'000)};
      const std::string id = old[0].ID();
      for (int round = 0; round < 3; ++round) {
        ray::Shutdown();
        for (const Text &handle : old) CHECK_THROWS_AS(handle.Get(), RayException);
        const std::vector<Text> copies = old;
        CHECK(Text(id).reference().empty());
        ray::Init();
        CHECK(Text(id).reference().empty());
        for (const Text &handle : old) CHECK_THROWS_AS(handle.Get(), RayException);
        old.push_back(ray::Put(make_text(round)));
        CHECK(*old.back().Get() == make_text(round));
        old.erase(old.begin());
        CHECK(*ray::Task(add).Remote(1, 1).Get() == 2);
      }
      old.clear();
      CHECK(becomes_empty(own_session()));
    }));
  }
}
