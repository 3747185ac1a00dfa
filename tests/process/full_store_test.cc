// The store at its limit: live objects stay, Put waits, and what it says when no room comes.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "process/session_case.h"

using namespace mobula::process;
using ray::internal::RayException;

namespace {

constexpr std::size_t kMiB = 1u << 20;

std::string make_text(int bytes, int letter) {
  return std::string(static_cast<std::size_t>(bytes), static_cast<char>(letter));
}
int size_of(std::string text) { return static_cast<int>(text.size()); }
int answer() { return 42; }

RAY_REMOTE(make_text, size_of, answer);

using Texts = std::vector<ray::ObjectRef<std::string>>;

mobula::support::RunOptions small_store(const char *put_timeout_ms = "") {
  return small_session(60'000, {{"MOBULA_MEMORY", "16MiB"}, {"MOBULA_PUT_TIMEOUT_MS", put_timeout_ms}});
}

// Puts 1 MiB each until the store is full. REQUIRES: a short put timeout.
Texts fill() {
  Texts held;
  for (int i = 0; i < 1000; ++i) {
    try {
      held.push_back(ray::Put(std::string(kMiB, static_cast<char>('a' + i % 26))));
    } catch (const RayException &) {
      return held;
    }
  }
  mobula::support::require(false, "the store of 16 MiB took a thousand objects of 1 MiB");
  return held;
}

bool are_intact(const Texts &texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (*texts[i].Get() != std::string(kMiB, static_cast<char>('a' + i % 26))) return false;
  }
  return true;
}

}  // namespace

TEST_SUITE("process/full_store") {
  TEST_CASE("an object larger than the store is refused at once, with both sizes") {
    CHECK(in_session(small_store(), [] {
      const auto start = Clock::now();
      const std::string text = text_thrown_by<RayException>([] { ray::Put(std::string(17 * kMiB, 'x')); });
      CHECK(contains(text, "17 MiB"));
      CHECK(contains(text, "16 MiB"));
      CHECK(contains(text_thrown_by<RayException>([] { ray::Put(std::string(16 * kMiB + 1, 'x')); }), "16 MiB"));
      CHECK(milliseconds_since(start) < 1'000);
      CHECK(contains(text_thrown_by<RayException>([] { ray::Task(size_of).Remote(std::string(17 * kMiB, 'x')); }),
                     "17 MiB"));
      CHECK(*ray::Put(1).Get() == 1);
    }));
  }

  TEST_CASE("an object as large as the store fits, again and again") {
    CHECK(in_session(small_store("2000"), [] {
      for (int i = 0; i < 5; ++i) CHECK(ray::Put(std::string(16 * kMiB, 'x')).Get()->size() == 16 * kMiB);
    }));
  }

  TEST_CASE("a full store keeps every object that is held, and never exceeds its size") {
    CHECK(in_session(small_store("100"), [] {
      const Texts held = fill();
      CHECK(held.size() >= 14);
      CHECK(held.size() <= 16);
      CHECK(are_intact(held));
      const std::string status = status_of(own_session());
      CHECK(number_after(status, "used_bytes") <= 16 * kMiB);
      CHECK(number_after(status, "evictions") == 0);
    }));
  }

  TEST_CASE("a put into a full store throws after its time, naming bytes, pid and how long it waited") {
    CHECK(in_session(small_store("200"), [] {
      const Texts held = fill();
      const auto start = Clock::now();
      const std::string text = text_thrown_by<RayException>([] { ray::Put(std::string(4 * kMiB, 'x')); });
      CHECK(milliseconds_since(start) >= 200);
      CHECK(milliseconds_since(start) < 1'500);
      CHECK(contains(text, "full"));
      CHECK(contains(text, "4 MiB"));
      CHECK(contains(text, "16 MiB"));
      CHECK(contains(text, std::to_string(::getpid())));
      CHECK(are_intact(held));
    }));
  }

  TEST_CASE("a put waits and goes through as soon as another thread drops a reference") {
    CHECK(in_session(small_store("20000"), [] {
      Texts held;
      for (int i = 0; i < 3; ++i) held.push_back(ray::Put(std::string(5 * kMiB, 'h')));
      std::thread dropper([&held] {
        ::usleep(200'000);
        held.pop_back();
      });
      const auto start = Clock::now();
      const auto waited = ray::Put(std::string(5 * kMiB, 'w'));
      const double waited_ms = milliseconds_since(start);
      dropper.join();
      CHECK(waited_ms >= 150);
      CHECK(waited_ms < 2'000);
      CHECK(*waited.Get() == std::string(5 * kMiB, 'w'));
      CHECK(*held[0].Get() == std::string(5 * kMiB, 'h'));
    }));
  }

  TEST_CASE("a full store still runs tasks with small results, and a large result waits for room or fails") {
    CHECK(in_session(small_store("300"), [] {
      Texts held = fill();
      CHECK(*ray::Task(answer).Remote().Get() == 42);
      CHECK(*ray::Task(size_of).Remote(held[0]).Get() == static_cast<int>(kMiB));
      const auto no_room = ray::Task(make_text).Remote(static_cast<int>(4 * kMiB), 'r');
      CHECK_THROWS_AS(no_room.Get(), RayException);
      held.clear();
      CHECK(ray::Task(make_text).Remote(static_cast<int>(4 * kMiB), 'r').Get()->size() == 4 * kMiB);
    }));
  }

  TEST_CASE("the error of a result that found no room says that the store is full") {
    CHECK(in_session(small_store("300"), [] {
      const Texts held = fill();
      const auto no_room = ray::Task(make_text).Remote(static_cast<int>(4 * kMiB), 'r');
      CHECK(contains(text_thrown_by<RayException>([&] { no_room.Get(); }), "full"));
    }));
  }

  TEST_CASE("after everything is dropped the store takes as much as at first, in pieces of any size") {
    CHECK(in_session(small_store("1000"), [] {
      for (int round = 0; round < 20; ++round) {
        const std::size_t piece = kMiB >> (round % 8);
        Texts held;
        for (std::size_t bytes = 0; bytes + piece <= 12 * kMiB; bytes += piece) {
          held.push_back(ray::Put(std::string(piece - 64, 'p')));
        }
      }
      CHECK(ray::Put(std::string(12 * kMiB, 'x')).Get()->size() == 12 * kMiB);
    }));
  }

  TEST_CASE("four threads put four times the store's size, holding little, and none fails") {
    CHECK(in_session(small_store("20000"), [] {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
          for (int i = 0; i < 16; ++i) {
            const auto held = ray::Put(std::string(3 * kMiB, static_cast<char>('a' + t)));
            CHECK(*held.Get() == std::string(3 * kMiB, static_cast<char>('a' + t)));
          }
        });
      }
      for (std::thread &thread : threads) thread.join();
    }));
  }

  TEST_CASE("more dropped objects than the store has room for pass through it") {
    CHECK(in_session(small_store("20000"), [] {
      for (int i = 0; i < 2'000; ++i) ray::Put(std::string(300'000, 'x'));
      for (int i = 0; i < 200; ++i) {
        CHECK(ray::Task(make_text).Remote(2'000'000, 'y').Get()->size() == 2'000'000);
      }
    }));
  }
}
