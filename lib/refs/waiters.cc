#include "refs/waiters.h"

#include "base/crash_points.h"
#include "refs/sets.h"
#include "segment/bell.h"

namespace mobula::refs {

void set_waiter(const segment::Segment &segment, std::uint32_t client_id, std::uint32_t entry) {
  segment::Word &word = segment.set_word(segment::Set::kWaiters, client_id / base::kClientsPerGroup, entry);
  // seq_cst: pairs with the settler's CAS and look at this word (rule 25).
  word.fetch_or(1ull << (client_id % base::kClientsPerGroup), std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kWaitMarked);
}

void ring_waiters(const segment::Segment &segment, std::uint32_t entry) {
  // K2: after the settling CAS.
  for_each_client(segment, segment::Set::kWaiters, entry, segment.groups_live(), [&segment](std::uint32_t client) {
    base::crash_point(base::CrashPoint::kRingSeen);
    segment::ring_if_asleep(segment.client(client));
  });
}

void clear_waiters(const segment::Segment &segment, std::uint32_t entry) {
  const std::uint32_t groups = segment.groups_live();
  for (std::uint32_t group = 0; group < groups; ++group) {
    segment::Word &word = segment.set_word(segment::Set::kWaiters, group, entry);
    // relaxed look: a bit that comes later is a late bit.
    if (word.load(std::memory_order_relaxed) != 0) word.exchange(0, std::memory_order_seq_cst);
  }
}

}  // namespace mobula::refs
