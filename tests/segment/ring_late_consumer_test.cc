#include <doctest/doctest.h>

#include "segment/ring.h"

namespace mobula::segment {
namespace {

TEST_SUITE("segment/ring") {
  TEST_CASE("a consumer that begins on a used ring sees it empty when everything was read") {
    RingControl control{};
    RingSlot slots[8] = {};
    RingProducer producer(&control, slots, 8);
    RingSlot slot{};
    REQUIRE(producer.try_push(slot));
    RingConsumer first(&control, slots, 8);
    REQUIRE(first.peek(&slot) == RingConsumer::Look::kMessage);
    first.pop();
    RingConsumer second(&control, slots, 8);
    CHECK(second.empty());
    CHECK(second.peek(&slot) == RingConsumer::Look::kEmpty);
  }
}

}  // namespace
}  // namespace mobula::segment
