// Every way to make, copy, move and drop an ObjectRef: while one is left the object is there, and goes with the last.
#include <doctest/doctest.h>

#include <mobula/figures.h>

#include <list>
#include <string>
#include <utility>
#include <vector>

#include "process/session_case.h"

using namespace mobula::process;
using namespace ray::internal;

namespace {

struct Order {
  int number = 0;
  std::vector<ray::ObjectRef<std::string>> parts;
  MSGPACK_DEFINE(number, parts)
};

int wait_and_return(int value, int wait_ms) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return value;
}
void do_nothing() {}
int get_it(ray::ObjectRef<int> reference) { return *reference.Get(); }
int get_several(std::vector<ray::ObjectRef<int>> references) {
  int sum = 0;
  for (const auto &value : ray::Get(references)) sum += *value;
  return sum;
}
bool is_empty(ray::ObjectRef<int> reference) { return reference.ID().empty(); }
ray::ObjectRef<int> pass_on(ray::ObjectRef<int> reference) { return reference; }
std::string first_part(Order order) { return *order.parts.at(0).Get(); }

RAY_REMOTE(wait_and_return, do_nothing, get_it, get_several, is_empty, pass_on, first_part);

std::uint64_t handles_of(const ray::ObjectRef<int> &reference) { return mobula::ref_count(reference).handles; }

// Objects of the session when all that this process has dropped is gone.
bool is_gone(const std::string &id) {
  return eventually([&] {
    static_cast<void>(store_figure("objects"));  // the raylet hears of drops before it answers
    return mobula::Reference::from_id(id).empty();
  });
}

template <typename T>
ray::ObjectRef<T> copy_of(const ray::ObjectRef<T> &reference) {
  return reference;
}

}  // namespace

TEST_SUITE("process/handles") {
  TEST_CASE("copies count, moves do not, and assigning gives the old handle back") {
    CHECK(in_session([] {
      ray::ObjectRef<int> first = ray::Put(1);
      ray::ObjectRef<int> second = ray::Put(2);
      CHECK(handles_of(first) == 1);
      ray::ObjectRef<int> copy(first);
      CHECK(handles_of(first) == 2);
      ray::ObjectRef<int> moved(std::move(copy));
      CHECK(handles_of(first) == 2);
      CHECK(*moved.Get() == 1);
      moved = second;
      CHECK(handles_of(first) == 1);
      CHECK(handles_of(second) == 2);
      moved = std::move(first);
      CHECK(handles_of(moved) == 1);
      CHECK(handles_of(second) == 1);
      CHECK(*moved.Get() == 1);
    }));
  }

  TEST_CASE("a handle that is moved while it is the only one never lets the object go") {
    CHECK(in_session([] {
      for (int round = 0; round < 1'000; ++round) {
        ray::ObjectRef<int> only = ray::Put(round);
        ray::ObjectRef<int> next(std::move(only));
        only = std::move(next);
        std::swap(only, next);
        std::vector<ray::ObjectRef<int>> several;
        several.push_back(std::move(next));
        several.resize(40);
        std::list<ray::ObjectRef<int>> others;
        others.push_back(std::move(several[0]));
        CHECK(*others.front().Get() == round);
        CHECK(handles_of(others.front()) == 1);
      }
    }));
  }

  TEST_CASE("a handle may be assigned to itself, and to what it came out of") {
    CHECK(in_session([] {
      ray::ObjectRef<int> one = ray::Put(1);
      ray::ObjectRef<int> &same = one;
      one = same;
      CHECK(*one.Get() == 1);
      one = std::move(same);
      CHECK(*one.Get() == 1);
      CHECK(handles_of(one) == 1);
      one = copy_of(one);
      CHECK(handles_of(one) == 1);
    }));
  }

  TEST_CASE("a handle taken by ID counts like any other, and keeps the object when the first one goes") {
    CHECK(in_session([] {
      auto first = std::make_unique<ray::ObjectRef<int>>(ray::Put(7));
      const ray::ObjectRef<int> second(first->ID());
      CHECK(handles_of(second) == 2);
      CHECK(second == *first);
      first.reset();
      CHECK(handles_of(second) == 1);
      CHECK(*second.Get() == 7);
      CHECK(*ray::Get<int>(std::vector<std::string>{second.ID(), second.ID()}, 1'000)[1] == 7);
    }));
  }

  TEST_CASE("with the last handle the object goes, whichever it was") {
    CHECK(in_session([] {
      std::string id;
      {
        ray::ObjectRef<int> first = ray::Put(7);
        id = first.ID();
        const ray::ObjectRef<int> copy = first;
        const ray::ObjectRef<int> again(id);
        first = ray::ObjectRef<int>();
        CHECK_FALSE(mobula::Reference::from_id(id).empty());
      }
      CHECK(is_gone(id));
      CHECK_THROWS_AS(ray::ObjectRef<int>(id).Get(), UnreconstructableException);
    }));
  }

  TEST_CASE("handles of nothing are counted, copied and assigned as others are") {
    CHECK(in_session([] {
      ray::ObjectRef<void> first = ray::Task(do_nothing).Remote();
      first.Get();
      const std::string id = first.ID();
      ray::ObjectRef<void> copy = first;
      ray::ObjectRef<void> other = ray::Task(do_nothing).Remote();
      CHECK_FALSE(copy == other);
      const std::string other_id = other.ID();
      other = copy;
      CHECK(copy == other);
      CHECK(is_gone(other_id));
      const ray::ObjectRef<void> by_id(id);
      first = copy = other = ray::ObjectRef<void>();
      by_id.Get(1'000);
      CHECK(ray::Wait(std::vector<ray::ObjectRef<void>>{by_id}, 1, 1'000).ready.size() == 1);
    }));
  }

  TEST_CASE("a task may take a reference as it is: alone, in a vector, in a struct, or an empty one") {
    CHECK(in_session([] {
      const auto slow = ray::Task(wait_and_return).Remote(5, 50);
      CHECK(*ray::Task(get_it).Remote(slow).Get() == 5);
      CHECK(*ray::Task(get_it).Remote(ray::Put(6)).Get() == 6);
      CHECK(*ray::Task(get_several).Remote(std::vector<ray::ObjectRef<int>>{slow, ray::Put(6)}).Get() == 11);
      CHECK(*ray::Task(is_empty).Remote(ray::ObjectRef<int>()).Get());
      CHECK(*ray::Task(pass_on).Remote(ray::Put(8)).Get()->Get() == 8);
      CHECK(*ray::Task(first_part).Remote(Order{1, {ray::Put(std::string("wheel"))}}).Get() == "wheel");
    }));
  }

  TEST_CASE("the IDs of several references, in their order, name the same objects") {
    CHECK(in_session([] {
      const std::vector<ray::ObjectRef<int>> references{ray::Put(1), ray::Put(2), ray::Put(3)};
      const std::vector<std::string> ids = ray::ObjectRefsToObjectIDs(references);
      REQUIRE(ids.size() == 3);
      CHECK(ids[1] == references[1].ID());
      const auto values = ray::Get<int>(ids);
      CHECK(*values[0] + *values[1] * 10 + *values[2] * 100 == 321);
    }));
  }

  TEST_CASE("several by ID have one time limit, and the handles that were taken for it go again") {
    CHECK(in_session([] {
      const auto slow = ray::Task(wait_and_return).Remote(1, 300);
      const auto fast = ray::Put(2);
      const std::vector<std::string> ids{fast.ID(), slow.ID()};
      const auto start = Clock::now();
      CHECK_THROWS_AS(ray::Get<int>(ids, 20), RayTimeoutException);
      CHECK(milliseconds_since(start) < 250);
      CHECK(handles_of(fast) == 1);
      CHECK(*ray::Get<int>(ids, 10'000)[1] == 1);
      CHECK(*ray::Get(std::vector{fast, slow}, 10'000)[0] == 2);
    }));
  }

  TEST_CASE("what Wait gives are handles, in the order of the input") {
    CHECK(in_session([] {
      const auto slow = ray::Task(wait_and_return).Remote(1, 300);
      const auto fast = ray::Put(2);
      ray::WaitResult<int> result = ray::Wait(std::vector{slow, fast}, 1, 10'000);
      REQUIRE(result.ready.size() == 1);
      REQUIRE(result.unready.size() == 1);
      CHECK(result.ready.front() == fast);
      CHECK(result.unready.front() == slow);
      CHECK(handles_of(fast) == 2);
      result = ray::WaitResult<int>();
      CHECK(handles_of(fast) == 1);
      CHECK(*slow.Get() == 1);
    }));
  }
}
