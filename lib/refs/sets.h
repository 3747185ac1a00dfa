// refs/sets.h: the members of an entry's holder, pin and waiter sets, one after another.
//   Threads    any; bits that change meanwhile are seen before or after the change
//   Cost       one load per group, and one call per member
#pragma once

#include <bit>
#include <cstdint>

#include "segment/segment.h"

namespace mobula::refs {

// Calls `action` with each client id whose bit is set, in ascending order. REQUIRES: groups <= groups_live.
template <typename Action>
void for_each_client(const segment::Segment &segment, segment::Set set, std::uint32_t entry, std::uint32_t groups,
                     Action action) {
  for (std::uint32_t group = 0; group < groups; ++group) {
    // seq_cst: for a settler that looks at the waiters after its CAS (rule 25), and never weaker than others need.
    std::uint64_t word = segment.set_word(set, group, entry).load(std::memory_order_seq_cst);
    for (; word != 0; word &= word - 1) {
      action(group * base::kClientsPerGroup + static_cast<std::uint32_t>(std::countr_zero(word)));
    }
  }
}

}  // namespace mobula::refs
