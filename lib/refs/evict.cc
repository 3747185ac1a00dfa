#include "refs/evict.h"

#include "base/crash_points.h"

namespace mobula::refs {

bool begin_evict(segment::EntryHeader &header, std::uint64_t *flagged) {
  std::uint64_t word = header.state.load(std::memory_order_acquire);
  if (!is_settled(word) || is_evicting(word)) return false;
  *flagged = word | kEvictingFlag;
  // seq_cst: the flag is visible before the holder words are read; pairs with the taker's bit and state (rule 2).
  if (!header.state.compare_exchange_strong(word, *flagged, std::memory_order_seq_cst)) return false;
  base::crash_point(base::CrashPoint::kRayletFlagged);
  return true;
}

bool is_referenced(const segment::Segment &segment, std::uint32_t entry, std::uint32_t groups) {
  for (std::uint32_t group = 0; group < groups; ++group) {
    if (segment.set_word(segment::Set::kHolders, group, entry).load(std::memory_order_seq_cst) != 0) return true;
    if (segment.set_word(segment::Set::kPins, group, entry).load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

void cancel_evict(segment::EntryHeader &header, std::uint64_t flagged) {
  header.state.compare_exchange_strong(flagged, flagged & ~kEvictingFlag, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kRayletCancelled);
}

bool finish_evict(segment::EntryHeader &header, std::uint64_t flagged) {
  const std::uint64_t freed = pack(State::kFree, kRayletWriter, next_generation(generation_of(flagged)));
  if (!header.state.compare_exchange_strong(flagged, freed, std::memory_order_seq_cst)) return false;
  base::crash_point(base::CrashPoint::kRayletFreed);
  return true;
}

bool fail(segment::EntryHeader &header, std::uint64_t generation) {
  std::uint64_t word = header.state.load(std::memory_order_acquire);
  while (names(word, generation) && !is_settled(word)) {
    if (header.state.compare_exchange_weak(word, pack(State::kFailed, kRayletWriter, generation),
                                           std::memory_order_seq_cst)) {
      base::crash_point(base::CrashPoint::kRayletSettled);
      return true;
    }
  }
  return false;
}

bool reopen(segment::EntryHeader &header, std::uint64_t generation, std::uint32_t dead_writer) {
  std::uint64_t word = pack(State::kCreating, dead_writer, generation);
  if (header.state.compare_exchange_strong(word, pack(State::kPending, kRayletWriter, generation),
                                           std::memory_order_seq_cst)) {
    base::crash_point(base::CrashPoint::kRayletReopened);
    return true;
  }
  return names(word, generation) && state_of(word) == State::kPending;
}

}  // namespace mobula::refs
