#include "objects/victims.h"

#include <algorithm>

#include "segment/notes.h"

namespace mobula::objects {
namespace {

// False: it was overwritten meanwhile.
bool read_one(const segment::Victim &victim, std::uint64_t number, EvictedObject *evicted) {
  return segment::read_note(victim, number, [&] {
    evicted->name.entry = victim.entry.load(std::memory_order_relaxed);
    evicted->name.generation = victim.generation.load(std::memory_order_relaxed);
    evicted->bytes = victim.bytes.load(std::memory_order_relaxed);
    evicted->retained = victim.retained.load(std::memory_order_relaxed);
    evicted->evicted_ns = victim.evicted_ns.load(std::memory_order_relaxed);
  });
}

}  // namespace

std::uint64_t evictions_so_far(const segment::Segment &segment) {
  return segment.header().evictions.load(std::memory_order_acquire);
}

std::uint64_t read_victims(const segment::Segment &segment, std::uint64_t *read, std::vector<EvictedObject> *victims) {
  const std::uint64_t last = evictions_so_far(segment);
  if (last <= *read) return 0;
  const std::uint64_t kept = std::min<std::uint64_t>(last - *read, base::kVictimsKept);
  std::uint64_t missed = last - *read - kept;
  for (std::uint64_t number = last - kept + 1; number <= last; ++number) {
    EvictedObject evicted;
    if (read_one(segment.victim(number), number, &evicted))
      victims->push_back(evicted);
    else
      ++missed;
  }
  *read = last;
  return missed;
}

}  // namespace mobula::objects
