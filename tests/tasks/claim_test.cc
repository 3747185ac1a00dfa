#include "tasks/claim.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace mobula::tasks {
namespace {

constexpr std::uint64_t kLastGeneration = (1ull << 48) - 1;

TEST_SUITE("tasks/claim") {
  TEST_CASE("claim, worker and generation have bits of their own") {
    for (const Claim state : {Claim::kIdle, Claim::kOffered, Claim::kRunning, Claim::kCancelling}) {
      for (const std::uint32_t worker : {0u, 1u, base::kClientsMax - 1}) {
        const std::uint64_t word = pack_claim(state, worker, kLastGeneration);
        CHECK(claim_of(word) == state);
        CHECK(claimant_of(word) == worker);
        CHECK((word >> 14) == kLastGeneration);
      }
    }
  }

  TEST_CASE("what is offered can be claimed once, by the worker named, under that generation") {
    segment::Word word{0};
    offer(word, 5, 9);
    CHECK_FALSE(claim(word, 6, 9));
    CHECK_FALSE(claim(word, 5, 8));
    CHECK(claim(word, 5, 9));
    CHECK(word.load() == pack_claim(Claim::kRunning, 5, 9));
    CHECK_FALSE(claim(word, 5, 9));
    CHECK_FALSE(take_back(word, 5, 9));
  }

  TEST_CASE("what was taken back cannot be claimed, also after it was offered to another worker") {
    segment::Word word{0};
    offer(word, 5, 9);
    CHECK_FALSE(take_back(word, 6, 9));
    CHECK(take_back(word, 5, 9));
    CHECK(word.load() == pack_claim(Claim::kIdle, 0, 9));
    CHECK_FALSE(claim(word, 5, 9));
    offer(word, 6, 9);
    CHECK_FALSE(claim(word, 5, 9));
    CHECK_FALSE(take_back(word, 5, 9));
    CHECK(claim(word, 6, 9));
  }

  TEST_CASE("an offer replaces what an earlier tenant of the entry left") {
    segment::Word word{pack_claim(Claim::kRunning, 5, 9)};
    offer(word, 5, 10);
    CHECK(claim(word, 5, 10));
  }

  TEST_CASE("only what runs at that worker can be asked to end, once, and it stays claimed until it is offered again") {
    segment::Word word{0};
    offer(word, 5, 9);
    CHECK_FALSE(ask_to_end(word, 5, 9));
    CHECK_FALSE(is_claimed_by(word, 5, 9));
    REQUIRE(claim(word, 5, 9));
    CHECK(is_claimed_by(word, 5, 9));
    CHECK_FALSE(is_claimed_by(word, 6, 9));
    CHECK_FALSE(ask_to_end(word, 6, 9));
    CHECK_FALSE(ask_to_end(word, 5, 8));
    CHECK(ask_to_end(word, 5, 9));
    CHECK_FALSE(ask_to_end(word, 5, 9));
    CHECK(is_claimed_by(word, 5, 9));
    CHECK_FALSE(take_back(word, 5, 9));
    offer(word, 6, 9);
    CHECK(claim(word, 6, 9));
    CHECK(word.load() == pack_claim(Claim::kRunning, 6, 9));
  }

  TEST_CASE("a claim and a take-back at the same time have one winner") {
    segment::Word word{0};
    std::uint32_t both = 0;
    for (std::uint64_t generation = 0; generation < 2000; ++generation) {
      offer(word, 5, generation);
      bool claimed = false;
      std::thread worker([&] { claimed = claim(word, 5, generation); });
      const bool taken = take_back(word, 5, generation);
      worker.join();
      both += claimed == taken ? 1 : 0;
    }
    CHECK(both == 0);
  }
}

}  // namespace
}  // namespace mobula::tasks
