#include "base/mutex.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

using mobula::base::PrivateMutex;

TEST_SUITE("base/mutex") {
  TEST_CASE("one thread at a time is inside, whatever the number of threads") {
    constexpr int kThreads = 8;
    constexpr int kRounds = 20'000;
    PrivateMutex mutex;
    long count = 0;
    int inside = 0;
    std::atomic<bool> alone = true;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) {
          const std::lock_guard lock(mutex);
          if (++inside != 1) alone = false;
          ++count;
          --inside;
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(alone);
    CHECK(count == long{kThreads} * kRounds);
  }

  TEST_CASE("who waits longer than the pauses take is woken") {
    PrivateMutex mutex;
    std::atomic<int> passed = 0;
    mutex.lock();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        const std::lock_guard lock(mutex);
        ++passed;
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(passed == 0);
    CHECK(!mutex.try_lock());
    mutex.unlock();
    for (std::thread &thread : threads) thread.join();
    CHECK(passed == 3);
    CHECK(mutex.try_lock());
    mutex.unlock();
  }
}
