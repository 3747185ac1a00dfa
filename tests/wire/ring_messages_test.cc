#include "wire/ring_messages.h"

#include <doctest/doctest.h>

#include <iterator>

namespace mobula::wire {
namespace {

constexpr std::uint64_t kLastGeneration = (1ull << 48) - 1;

TEST_SUITE("wire/ring_messages") {
  TEST_CASE("a name takes three words and leaves the others alone") {
    RingSlot slot = slot_of(ToRaylet::kContains);
    put_name(&slot, 3, {0x12345678, 0xabcd01234567ull});
    CHECK(get_name(slot, 3) == ObjectName{0x12345678, 0xabcd01234567ull});
    CHECK(slot.words[2] == 0);
    CHECK(slot.words[6] == 0);
    CHECK(slot.words[3] == 0x12345678);
    CHECK(slot.words[4] == 0x01234567);
    CHECK(slot.words[5] == 0xabcd);
  }

  TEST_CASE("a task's slot carries the names of its spec and its result") {
    const TaskNames names{{7, kLastGeneration}, {9, 3}};
    const RingSlot slot = task_slot(ToRaylet::kSubmit, names);
    CHECK(slot.kind == static_cast<std::uint32_t>(ToRaylet::kSubmit));
    CHECK(task_names(slot).spec == names.spec);
    CHECK(task_names(slot).result == names.result);
    CHECK(task_slot(Offer::kTask, names).kind == static_cast<std::uint32_t>(Offer::kTask));
  }

  TEST_CASE("a request carries class, count, bytes and ticket") {
    const Request request = request_of(request_slot({52, 2048, 1ull << 40 | 5, 77}));
    CHECK(request.size_class == 52);
    CHECK(request.count == 2048);
    CHECK(request.bytes == (1ull << 40 | 5));
    CHECK(request.ticket == 77);
  }

  TEST_CASE("a wide number comes out as it was put") {
    RingSlot slot = slot_of(Grant::kRows);
    put_wide(&slot, 1, 0xfedcba9876543210ull);
    CHECK(get_wide(slot, 1) == 0xfedcba9876543210ull);
    CHECK(slot.words[1] == 0x76543210);
  }

  TEST_CASE("the most that one slot may carry fits its words") {
    constexpr std::size_t words = std::size(RingSlot{}.words);
    CHECK(kEntriesPerHint <= words);
    CHECK(kEntriesPerGrant + 1 <= words);
    CHECK((kNamesPerContains + 1) * kWordsPerName <= words);
  }
}

}  // namespace
}  // namespace mobula::wire
