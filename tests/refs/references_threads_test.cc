// Many threads take, copy and drop a few objects while an evictor frees what it can. The oracle: an object's canary has
// its generation while anybody holds it, and the evictor overwrites it as soon as it has freed the entry.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "refs/test_client.h"

namespace mobula::refs {
namespace {

constexpr std::uint32_t kEntries = 3;
constexpr std::uint64_t kFreed = ~0ull;

// Relaxed atomics: only the reference rules may order these accesses, and a wrong order must show as a wrong value.
struct Canary {
  std::atomic<std::uint64_t> generation{kFreed};
};

struct Counts {
  std::uint64_t taken = 0;
  std::uint64_t gone = 0;
  std::uint64_t wrong = 0;
};

struct Arena {
  std::unique_ptr<segment::Segment> segment = create_segment_with_entries();
  std::array<Canary, kEntries> canaries;
  std::atomic<bool> stop{false};
  std::uint64_t freed = 0;

  // The evictor's loop also refills: a freed entry gets a new object, created by a client of its own and told at once.
  void evict(TestClient &creator) {
    std::array<segment::Row *, kEntries> own{};
    for (std::uint32_t entry = 0; entry < kEntries; ++entry) own[entry] = create(creator, entry);
    std::uint32_t round = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      const std::uint32_t entry = round++ % kEntries;
      if (own[entry] != nullptr) {
        std::uint32_t released = 0;
        creator.references.release_shared(*own[entry], &released);
        own[entry] = nullptr;
      }
      if (!try_free(*segment, entry)) continue;
      canaries[entry].generation.store(kFreed, std::memory_order_relaxed);
      ++freed;
      own[entry] = create(creator, entry);
    }
    for (segment::Row *row : own) {
      std::uint32_t released = 0;
      if (row != nullptr) creator.references.release_shared(*row, &released);
    }
  }

  segment::Row *create(TestClient &creator, std::uint32_t entry) {
    segment::Row *const row = creator.references.open(entry);
    canaries[entry].generation.store(row->generation.load(), std::memory_order_relaxed);
    const bool made =
        creator.references.begin(*row, State::kCreating) && creator.references.settle(*row, State::kSealed);
    if (!made) std::terminate();
    References::share(*row);
    return row;
  }

  void use(TestClient &client, std::uint32_t seed, std::uint32_t rounds, Counts *counts) {
    std::mt19937 random(seed);
    for (std::uint32_t i = 0; i < rounds; ++i) {
      const auto entry = static_cast<std::uint32_t>(random() % kEntries);
      std::uint64_t generation = generation_of(segment->entry(entry).state.load());
      if (random() % 8 == 0 && generation > 0) --generation;  // a stale name now and then
      segment::Row *row = nullptr;
      if (client.references.take({entry, generation}, &row) != References::Take::kTaken) {
        ++counts->gone;
        continue;
      }
      ++counts->taken;
      const auto copies = static_cast<std::uint32_t>(random() % 3);
      for (std::uint32_t copy = 0; copy < copies; ++copy) References::copy(*row);
      for (std::uint32_t look = 0; look < 4; ++look) {
        if (canaries[entry].generation.load(std::memory_order_relaxed) != generation) ++counts->wrong;
        if (References::name_of(*row) != ObjectName{entry, generation}) ++counts->wrong;
      }
      std::uint32_t released = 0;
      for (std::uint32_t copy = 0; copy <= copies; ++copy) client.references.release(*row, &released);
    }
  }
};

TEST_SUITE("refs/references threads") {
  TEST_CASE("no object is freed while a thread holds it, whether threads share a process or not") {
    constexpr std::uint32_t kRounds = 50'000;
    Arena arena;
    TestClient creator(*arena.segment, 1);
    TestClient first(*arena.segment, 2);
    TestClient second(*arena.segment, 3);
    std::thread evictor([&] { arena.evict(creator); });
    std::array<Counts, 4> counts;
    std::vector<std::thread> users;
    for (std::uint32_t i = 0; i < counts.size(); ++i) {
      users.emplace_back([&, i] { arena.use(i < 2 ? first : second, 100 + i, kRounds, &counts[i]); });
    }
    for (std::thread &user : users) user.join();
    arena.stop.store(true);
    evictor.join();
    std::uint64_t taken = 0;
    for (const Counts &count : counts) {
      CHECK(count.wrong == 0);
      taken += count.taken;
    }
    CHECK(taken > 0);
    CHECK(arena.freed > 0);
    for (std::uint32_t entry = 0; entry < kEntries; ++entry) {
      CHECK(arena.segment->entry(entry).holders.load() == 0);
      static_cast<void>(try_free(*arena.segment, entry));
      CHECK(state_of(arena.segment->entry(entry).state.load()) == State::kFree);
    }
    for (const TestClient *client : {&creator, &first, &second}) {
      for (std::uint32_t i = 0; i < base::kRowsPerFirstChunk; ++i) {
        REQUIRE(client->rows[i].entry_plus_1.load() == 0);
        REQUIRE(client->rows[i].count.load() == 0);
      }
    }
  }

  TEST_CASE("recycling in one thread and stale takes in another leave the bit and one count") {
    constexpr std::uint32_t kRounds = 30'000;
    const auto segment = create_segment_with_entries();
    TestClient client(*segment, 1);
    segment::Row *const row = client.references.open(0);
    std::atomic<bool> stop{false};
    std::thread stale([&] {
      while (!stop.load()) {
        const std::uint64_t generation = generation_of(segment->entry(0).state.load());
        segment::Row *taken = nullptr;
        if (generation > 0 && client.references.take({0, generation - 1}, &taken) == References::Take::kTaken)
          std::terminate();
      }
    });
    std::uint32_t recycled = 0;
    std::uint32_t lost_bit = 0;
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      if (!client.references.begin(*row, State::kCreating)) break;
      recycled += client.references.abandon(*row) ? 1 : 0;
      lost_bit += client.holds(0) ? 0 : 1;
    }
    stop.store(true);
    stale.join();
    CHECK(recycled == kRounds);
    CHECK(lost_bit == 0);
    CHECK(client.holds(0));
    CHECK(row->count.load() == 1);
  }
}

}  // namespace
}  // namespace mobula::refs
