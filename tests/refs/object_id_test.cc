// The ObjectID: what it keeps, and what is refused.
#include "refs/object_id.h"

#include <doctest/doctest.h>

using namespace mobula::refs;

namespace {
constexpr std::uint64_t kEpoch = 0x12'3456'789a;
}

TEST_CASE("an id gives back the entry and all 48 bits of the generation") {
  for (const ObjectName name : {ObjectName{0, 0}, ObjectName{4'194'303, 1}, ObjectName{7, (1ull << 48) - 1}}) {
    const std::string id = encode_id(kEpoch, name);
    CHECK(id.size() == 15);
    CHECK(decode_id(kEpoch, id) == name);
  }
}

TEST_CASE("an id of another session, or of another length, is none") {
  const std::string id = encode_id(kEpoch, {7, 9});
  CHECK_FALSE(decode_id(kEpoch + 1, id));
  CHECK_FALSE(decode_id(kEpoch, id.substr(1)));
  CHECK_FALSE(decode_id(kEpoch, id + "x"));
  CHECK_FALSE(decode_id(kEpoch, ""));
}
