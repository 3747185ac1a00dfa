#include "refs/state_word.h"

#include <doctest/doctest.h>

namespace mobula::refs {
namespace {

constexpr std::uint64_t kLastGeneration = (1ull << kGenerationBits) - 1;

TEST_SUITE("refs/state_word") {
  TEST_CASE("state, writer and generation come out as they were packed, at their limits, too") {
    for (const State state : {State::kFree, State::kPending, State::kCreating, State::kSealed, State::kFailed}) {
      for (const std::uint32_t writer : {0u, 1u, base::kClientsMax - 1}) {
        for (const std::uint64_t generation : {std::uint64_t{0}, std::uint64_t{1}, kLastGeneration}) {
          for (const std::uint64_t flag : {std::uint64_t{0}, kEvictingFlag}) {
            const std::uint64_t word = pack(state, writer, generation) | flag;
            CHECK(state_of(word) == state);
            CHECK(writer_of(word) == writer);
            CHECK(generation_of(word) == generation);
            CHECK(is_evicting(word) == (flag != 0));
          }
        }
      }
    }
  }

  TEST_CASE("a zeroed entry is free, of generation 0") {
    CHECK(pack(State::kFree, kRayletWriter, 0) == 0);
    CHECK_FALSE(names(0, 0));
  }

  TEST_CASE("there is no generation after the last one: an entry that reaches it is retired") {
    CHECK(next_generation(kLastGeneration) == kLastGeneration);
    CHECK(next_generation(kLastGeneration - 1) == kLastGeneration);
    CHECK(next_generation(7) == 8);
    CHECK(is_retired(pack(State::kFree, kRayletWriter, kLastGeneration)));
    CHECK_FALSE(is_retired(pack(State::kFree, kRayletWriter, kLastGeneration - 1)));
  }

  TEST_CASE("a word names an object of its own generation only, and never a free entry") {
    CHECK(names(pack(State::kPending, 0, 5), 5));
    CHECK(names(pack(State::kSealed, 3, 5) | kEvictingFlag, 5));
    CHECK_FALSE(names(pack(State::kSealed, 3, 5), 4));
    CHECK_FALSE(names(pack(State::kSealed, 3, 5), 6));
    CHECK_FALSE(names(pack(State::kFree, 0, 5), 5));
  }

  TEST_CASE("sealed and failed are settled, nothing else is") {
    CHECK(is_settled(State::kSealed));
    CHECK(is_settled(State::kFailed));
    CHECK_FALSE(is_settled(State::kFree));
    CHECK_FALSE(is_settled(State::kPending));
    CHECK_FALSE(is_settled(State::kCreating));
    CHECK(is_settled(pack(State::kFailed, 0, 9) | kEvictingFlag));
  }
}

}  // namespace
}  // namespace mobula::refs
