// Timeouts of Get, and Wait.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "process/session_case.h"

using namespace mobula::process;
using ray::internal::RayException;
using ray::internal::RayTimeoutException;

namespace {

int after_ms(int wait_ms, int value) {
  ::usleep(static_cast<useconds_t>(wait_ms) * 1000);
  return value;
}
int fail() { throw std::runtime_error("failed"); }
// Waits inside a task, for the first of two.
int first_of(std::vector<ray::ObjectRef<int>> references) { return *ray::Wait(references, 1, -1).ready.front().Get(); }

RAY_REMOTE(after_ms, fail, first_of);

using References = std::vector<ray::ObjectRef<int>>;

// Ready and unready together are the input, each in the input's order.
void check_split(const References &input, const ray::WaitResult<int> &result) {
  CHECK(result.ready.size() + result.unready.size() == input.size());
  auto ready = result.ready.begin();
  auto unready = result.unready.begin();
  for (const auto &reference : input) {
    if (ready != result.ready.end() && *ready == reference) {
      ++ready;
    } else {
      REQUIRE(unready != result.unready.end());
      CHECK(*unready == reference);
      ++unready;
    }
  }
}

}  // namespace

TEST_SUITE("process/waiting") {
  TEST_CASE("Get with a time limit throws in time, and the reference is still good") {
    CHECK(in_session([] {
      ray::Task(after_ms).Remote(0, 0).Get();
      const auto slow = ray::Task(after_ms).Remote(400, 7);
      const auto start = Clock::now();
      CHECK_THROWS_AS(slow.Get(50), RayTimeoutException);
      CHECK(milliseconds_since(start) >= 50);
      CHECK(milliseconds_since(start) < 300);
      CHECK_THROWS_AS(ray::Get(slow, 0), RayTimeoutException);
      CHECK(*slow.Get() == 7);
      CHECK(*slow.Get(0) == 7);
    }));
  }

  TEST_CASE("the time limit of several objects is one for all together") {
    CHECK(in_session([] {
      const References references{ray::Put(1), ray::Task(after_ms).Remote(300, 2), ray::Task(after_ms).Remote(300, 3)};
      const auto start = Clock::now();
      CHECK_THROWS_AS(ray::Get(references, 50), RayTimeoutException);
      CHECK(milliseconds_since(start) < 250);
      const auto values = ray::Get(references, 10'000);
      CHECK(*values[0] + *values[1] + *values[2] == 6);
    }));
  }

  TEST_CASE("Wait gives three of ten, in the order of the input, and no more than asked for") {
    CHECK(in_session([] {
      References references;
      for (int i = 0; i < 10; ++i) {
        references.push_back(i % 3 == 0 ? ray::Put(i) : ray::Task(after_ms).Remote(1'000, i));
      }
      const auto start = Clock::now();
      const auto three = ray::Wait(references, 3, 100);
      CHECK(milliseconds_since(start) < 100);
      CHECK(three.ready.size() == 3);
      check_split(references, three);
      std::vector<int> values;
      for (const auto &reference : three.ready) values.push_back(*reference.Get());
      CHECK(values == std::vector<int>{0, 3, 6});
    }));
  }

  TEST_CASE("Wait gives what is ready when its time is over") {
    CHECK(in_session([] {
      References references;
      for (int i = 0; i < 4; ++i) references.push_back(i == 2 ? ray::Put(i) : ray::Task(after_ms).Remote(400, i));
      const auto start = Clock::now();
      const auto some = ray::Wait(references, 4, 100);
      CHECK(milliseconds_since(start) >= 100);
      CHECK(milliseconds_since(start) < 350);
      CHECK(some.ready.size() == 1);
      CHECK(some.unready.size() == 3);
      check_split(references, some);
      const auto all = ray::Wait(references, 4, -1);
      CHECK(all.ready.size() == 4);
      check_split(references, all);
    }));
  }

  TEST_CASE("Wait returns as soon as the asked number is settled, whichever it is") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "3"}}), [] {
      const References references{ray::Task(after_ms).Remote(1'000, 1), ray::Task(after_ms).Remote(1'000, 2),
                                  ray::Task(after_ms).Remote(50, 3)};
      const auto start = Clock::now();
      const auto first = ray::Wait(references, 1, -1);
      CHECK(milliseconds_since(start) < 800);
      REQUIRE(first.ready.size() == 1);
      CHECK(*first.ready.front().Get() == 3);
    }));
  }

  TEST_CASE("a failed object is ready") {
    CHECK(in_session([] {
      const References references{ray::Task(after_ms).Remote(500, 1), ray::Task(fail).Remote()};
      const auto result = ray::Wait(references, 1, 5'000);
      REQUIRE(result.ready.size() == 1);
      CHECK(result.ready.front() == references[1]);
      CHECK_THROWS_AS(result.ready.front().Get(), ray::internal::RayTaskException);
    }));
  }

  TEST_CASE("Wait refuses numbers that make no sense") {
    CHECK(in_session([] {
      const References two{ray::Put(1), ray::Put(2)};
      CHECK_THROWS_AS(ray::Wait(two, 0, 10), RayException);
      CHECK_THROWS_AS(ray::Wait(two, -1, 10), RayException);
      CHECK_THROWS_AS(ray::Wait(two, 3, 10), RayException);
      CHECK(ray::Wait(two, 2, 0).ready.size() == 2);
      CHECK_THROWS_AS(ray::Wait(References{}, 1, 10), RayException);
    }));
  }

  TEST_CASE("the same reference may stand in a Wait or a Get more than once") {
    CHECK(in_session([] {
      const auto slow = ray::Task(after_ms).Remote(50, 4);
      CHECK(ray::Wait(References{slow, slow, slow}, 2, -1).ready.size() == 2);
      const auto again = ray::Task(after_ms).Remote(50, 4);
      CHECK(ray::Get(References{again, again}).size() == 2);
    }));
  }

  TEST_CASE("a task that waits gives its slot to others") {
    CHECK(in_session(small_session(30'000, {{"MOBULA_WORKERS", "1"}}), [] {
      const References references{ray::Task(after_ms).Remote(100, 5), ray::Task(after_ms).Remote(100, 6)};
      CHECK(*ray::Task(first_of).Remote(references).Get() >= 5);
      const auto later = ray::Task(after_ms).Remote(50, 8);
      CHECK(*ray::Task(first_of).Remote(References{later}).Get() == 8);
    }));
  }

  TEST_CASE("a thousand waits with little time leave everything in order") {
    CHECK(in_session([] {
      const auto slow = ray::Task(after_ms).Remote(1'500, 9);
      for (int i = 0; i < 500; ++i) CHECK_THROWS_AS(slow.Get(1), RayTimeoutException);
      for (int i = 0; i < 500; ++i) CHECK(ray::Wait(References{slow}, 1, 0).unready.size() == 1);
      CHECK(*slow.Get() == 9);
    }));
  }

  TEST_CASE("four threads wait for objects of each other's tasks") {
    CHECK(in_session([] {
      const References references{ray::Task(after_ms).Remote(60, 1), ray::Task(after_ms).Remote(40, 2),
                                  ray::Task(after_ms).Remote(20, 3)};
      std::atomic<int> sum{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&references, &sum] {
          for (const auto &value : ray::Get(References(references))) sum += *value;
        });
      }
      for (std::thread &thread : threads) thread.join();
      CHECK(sum == 24);
    }));
  }
}
