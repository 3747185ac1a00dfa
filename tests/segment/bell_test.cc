#include "segment/bell.h"
#include "segment/life.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "support/child.h"

namespace mobula::segment {
namespace {

// What lies in the segment, in memory that forks share.
struct Shared {
  ClientSlot slots[2];
  Half life;
  Half ready;
};

struct Unmap {
  void operator()(Shared *shared) const { munmap(shared, sizeof(Shared)); }
};

std::unique_ptr<Shared, Unmap> map_shared() {
  void *const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return std::unique_ptr<Shared, Unmap>(new (memory) Shared{});
}

// Sleeps as a client does until the bell is rung; a wake-up without a ring sleeps on.
Wake sleep_on(ClientSlot &slot, const Half &life, std::int64_t deadline_ns) {
  const std::uint32_t seen = slot.bell.load();
  slot.sleepers.fetch_add(1);
  Wake wake = Wake::kRung;
  do {
    wake = wait_for_bell(slot.bell, seen, life, deadline_ns);
  } while (wake == Wake::kRung && slot.bell.load() == seen);
  slot.sleepers.fetch_sub(1);
  return wake;
}

void await_sleepers(const ClientSlot &slot, std::uint32_t sleepers) {
  while (slot.sleepers.load() < sleepers) std::this_thread::yield();
}

// A process that is alive as a raylet until its line is read and it is killed.
void live(Shared &shared) {
  Life life(&shared.life);
  std::puts("alive");
  std::fflush(stdout);
  for (;;) pause();
}

TEST_SUITE("segment/bell") {
  TEST_CASE("nobody is rung while nobody sleeps") {
    ClientSlot slot{};
    ring_if_asleep(slot);
    CHECK(slot.bell.load() == 0);
    ring_always(slot);
    CHECK(slot.bell.load() == 1);
    slot.sleepers.store(1);
    ring_if_asleep(slot);
    CHECK(slot.bell.load() == 2);
  }

  TEST_CASE("all sleeping threads of a client are woken by one ring") {
    const auto shared = map_shared();
    Life life(&shared->life);
    std::vector<std::thread> sleepers;
    Wake wakes[3] = {Wake::kTimeout, Wake::kTimeout, Wake::kTimeout};
    for (Wake &wake : wakes) {
      sleepers.emplace_back([&] { wake = sleep_on(shared->slots[0], shared->life, base::kForever); });
    }
    await_sleepers(shared->slots[0], 3);
    ring_if_asleep(shared->slots[0]);
    for (std::thread &sleeper : sleepers) sleeper.join();
    for (const Wake wake : wakes) CHECK(wake == Wake::kRung);
    CHECK(shared->slots[0].sleepers.load() == 0);
    life.end();
  }

  TEST_CASE("a ring before the sleep is not missed") {
    const auto shared = map_shared();
    Life life(&shared->life);
    const std::uint32_t seen = shared->slots[0].bell.load();
    ring_always(shared->slots[0]);
    CHECK(wait_for_bell(shared->slots[0].bell, seen, shared->life, base::kForever) == Wake::kRung);
    life.end();
  }

  TEST_CASE("a deadline ends the sleep, not before its time") {
    const auto shared = map_shared();
    Life life(&shared->life);
    const std::int64_t deadline_ns = base::deadline_after_ms(30);
    CHECK(sleep_on(shared->slots[0], shared->life, deadline_ns) == Wake::kTimeout);
    CHECK(base::monotonic_ns() >= deadline_ns);
    const std::int64_t passed_ns = base::monotonic_ns() - 1;
    CHECK(sleep_on(shared->slots[0], shared->life, passed_ns) == Wake::kTimeout);
    life.end();
  }

  TEST_CASE("a ring from another process wakes a sleeper") {
    const auto shared = map_shared();
    Life life(&shared->life);
    support::Child ringer([&shared] {
      await_sleepers(shared->slots[1], 1);
      ring_if_asleep(shared->slots[1]);
    });
    CHECK(sleep_on(shared->slots[1], shared->life, base::kForever) == Wake::kRung);
    CHECK(ringer.wait().exit_code == 0);
    life.end();
  }

  TEST_CASE("the tidy end of the raylet wakes every sleeper and is final") {
    const auto shared = map_shared();
    Life life(&shared->life);
    CHECK_FALSE(raylet_died(shared->life));
    std::vector<std::thread> sleepers;
    Wake wakes[2] = {Wake::kRung, Wake::kRung};
    for (int i = 0; i < 2; ++i) {
      sleepers.emplace_back([&, i] { wakes[i] = sleep_on(shared->slots[i], shared->life, base::kForever); });
    }
    for (const ClientSlot &slot : shared->slots) await_sleepers(slot, 1);
    life.end();
    for (std::thread &sleeper : sleepers) sleeper.join();
    for (const Wake wake : wakes) CHECK(wake == Wake::kRayletDied);
    CHECK(raylet_died(shared->life));
    CHECK(sleep_on(shared->slots[0], shared->life, base::kForever) == Wake::kRayletDied);
  }

  TEST_CASE("the death of the raylet wakes every sleeping thread of every process") {
    const auto shared = map_shared();
    support::Child raylet([&shared] { live(*shared); });
    REQUIRE(raylet.read_line() == "alive");
    CHECK_FALSE(raylet_died(shared->life));
    const auto sleep_in_two_threads = [&shared] {
      Wake other = Wake::kRung;
      std::thread thread([&] { other = sleep_on(shared->slots[0], shared->life, base::kForever); });
      const Wake own = sleep_on(shared->slots[1], shared->life, base::kForever);
      thread.join();
      _exit(own == Wake::kRayletDied && other == Wake::kRayletDied ? 0 : 1);
    };
    support::Child first(sleep_in_two_threads);
    support::Child second(sleep_in_two_threads);
    for (const ClientSlot &slot : shared->slots) await_sleepers(slot, 2);
    raylet.kill();
    CHECK(first.wait().exit_code == 0);
    CHECK(second.wait().exit_code == 0);
    CHECK(raylet_died(shared->life));
  }

  TEST_CASE("a life that has not begun counts as over") {
    const Half life{0};
    CHECK(raylet_died(life));
  }
}

}  // namespace
}  // namespace mobula::segment
