#include "raylet/store.h"

#include <algorithm>

#include "base/crash_points.h"
#include "refs/evict.h"
#include "refs/row_table.h"
#include "refs/waiters.h"

namespace mobula::raylet {
namespace {

constexpr std::uint64_t kReserveAheadBytes = 4ull << 20;  // fewer, larger fallocate calls
constexpr std::uint64_t kSessionBit = 1;                  // of client 0, in group 0
constexpr std::uint64_t kRowsAhead = 12;                  // prefetched while rows are cleared
constexpr std::uint32_t kWithdrawnPerTurn = 4096;         // the same; looking at one takes some nanoseconds
constexpr std::size_t kCandidatesPerBatch = 1024;         // bounds how long the loop is away from its rings

using refs::ObjectName;
using refs::State;

}  // namespace

Store::Store(segment::Segment &segment)
    : segment_(segment),
      log_(segment, segment.header().raylet_pid),
      blocks_(segment.capacity_bytes()),
      names_(segment) {
  publish_block_bytes();
}

// --- giving out
// --------------------------------------------------------------------------------------------------------

bool Store::reserve_more_entries() {
  const std::uint32_t wanted = index_.size() + base::kEntriesPerChunk;
  if (wanted > base::kEntriesMax || segment_.reserve_entries(wanted) != nullptr) return false;
  index_.grow(wanted);
  // Backwards, so that low entries go out first.
  for (std::uint32_t entry = wanted; entry-- > wanted - base::kEntriesPerChunk;) free_entries_.push_back(entry);
  return true;
}

bool Store::reserve_data() {
  const std::uint64_t high_water_bytes = blocks_.high_water_bytes();
  if (high_water_bytes <= reserved_bytes_) return true;
  const std::uint64_t until = std::min(high_water_bytes + kReserveAheadBytes, segment_.capacity_bytes());
  if (segment_.reserve(segment_.data_position(reserved_bytes_), until - reserved_bytes_) != nullptr) return false;
  reserved_bytes_ = until;
  segment_.header().data_reserved_bytes.store(until, std::memory_order_release);
  return true;
}

std::optional<objects::Block> Store::allocate_block(std::uint32_t size_class, std::uint64_t bytes) {
  std::optional<objects::Block> block =
      size_class < objects::kLargeClass ? blocks_.allocate(size_class) : blocks_.allocate_large(bytes);
  if (!block) block = blocks_.allocate_for(bytes);
  if (!block || reserve_data()) return block;
  static_cast<void>(blocks_.release(block->offset));
  blocks_.trim();
  return std::nullopt;
}

// relaxed: figures for whoever examines the session.
void Store::publish_block_bytes() {
  segment_.header().block_bytes.store(blocks_.used_bytes(), std::memory_order_relaxed);
  segment_.header().largest_free_bytes.store(blocks_.extents().largest_free_bytes(), std::memory_order_relaxed);
}

bool Store::bind_block(std::uint32_t entry, std::uint32_t size_class, std::uint64_t bytes) {
  segment::EntryHeader &header = segment_.entry(entry);
  EntryRecord &record = index_[entry];
  if (size_class == objects::kInlineClass) {
    header.offset = record.offset = segment::kInlineOffset;
    header.capacity_bytes = segment::kInlineBytes;
    return true;
  }
  const std::optional<objects::Block> block = allocate_block(size_class, bytes);
  if (!block) return false;
  header.offset = record.offset = block->offset;
  header.capacity_bytes = block->bytes;
  publish_block_bytes();
  base::crash_point(base::CrashPoint::kRayletBound);
  return true;
}

std::vector<std::uint32_t> Store::grant(std::uint32_t client, std::uint32_t size_class, std::uint32_t count,
                                        std::uint64_t bytes) {
  std::vector<std::uint32_t> granted;
  while (granted.size() < count) {
    if (free_entries_.empty() && !reserve_more_entries()) break;
    const std::uint32_t entry = free_entries_.back();
    if (!bind_block(entry, size_class, bytes)) break;
    free_entries_.pop_back();
    index_[entry].is_out = true;
    index_.give_to(client, entry);
    granted.push_back(entry);
  }
  return granted;
}

bool Store::take_back(std::uint32_t client, std::uint32_t entry) {
  if (!is_entry(entry) || index_[entry].owner != client) return false;
  segment::EntryHeader &header = segment_.entry(entry);
  std::uint64_t word = header.state.load(std::memory_order_acquire);
  if (refs::state_of(word) != State::kFree) return false;
  // The next generation: whatever the client still does with the old one fails.
  const std::uint64_t freed =
      refs::pack(State::kFree, refs::kRayletWriter, refs::next_generation(refs::generation_of(word)));
  if (!header.state.compare_exchange_strong(word, freed, std::memory_order_seq_cst)) return false;
  recycle(entry);
  return true;
}

// FREE with the EVICTING flag: the client's next use of it fails, whatever generation it knows, and it gives it back.
// Its bit and row may still be there (rule 19), so only the block is taken, never the entry (rule 22).
bool Store::withdraw(std::uint32_t entry) {
  EntryRecord &record = index_[entry];
  if (record.offset == segment::kInlineOffset) return false;
  segment::Word &state = segment_.entry(entry).state;
  std::uint64_t word = state.load(std::memory_order_seq_cst);
  if (refs::state_of(word) != State::kFree) return false;
  if (!state.compare_exchange_strong(word, word | refs::kEvictingFlag, std::memory_order_seq_cst)) return false;
  base::crash_point(base::CrashPoint::kRayletWithdrawn);
  // Its client still reads the header of what lies in its pools, so there the block stays named.
  static_cast<void>(blocks_.release(record.offset));
  record.offset = segment::kInlineOffset;
  publish_block_bytes();
  return true;
}

bool Store::withdraw_some() {
  const std::uint32_t end = std::min(withdraw_next_ + kWithdrawnPerTurn, index_.size());
  for (; withdraw_next_ < end; ++withdraw_next_) {
    if (index_[withdraw_next_].owner != kNobody) withdraw(withdraw_next_);
  }
  if (withdraw_next_ >= index_.size()) withdraw_next_ = kNotWithdrawing;
  return is_withdrawing();
}

// The entry is FREE and nobody's: its block and itself go back to the pools.
void Store::recycle(std::uint32_t entry) {
  EntryRecord &record = index_[entry];
  segment::EntryHeader &header = segment_.entry(entry);
  index_.take_from_owner(entry);
  forget_retention(entry);
  header.group.store(0, std::memory_order_relaxed);
  header.offset = segment::kInlineOffset;
  header.capacity_bytes = segment::kInlineBytes;
  if (record.offset != segment::kInlineOffset) {
    static_cast<void>(blocks_.release(record.offset));
    publish_block_bytes();
  }
  record.offset = segment::kInlineOffset;
  record.task = 0;
  record.is_out = false;
  record.is_actor = false;
  header.last_taken_ns.store(0, std::memory_order_relaxed);
  if (refs::is_retired(word_of(entry)))
    ++retired_;  // a further name of it would mean two objects (rule 40)
  else
    free_entries_.push_back(entry);
}

// --- the raylet's references -----------------------------------------------------------------------------------------

bool Store::add_ref(const ObjectName &name) {
  if (!is_named(name)) return false;
  segment_.entry(name.entry).raylet_refs.store(count_up(index_[name.entry]), std::memory_order_release);
  base::crash_point(base::CrashPoint::kRayletCounted);
  return true;
}

void Store::drop_ref(const ObjectName &name) {
  EntryRecord &record = index_[name.entry];
  segment_.entry(name.entry).raylet_refs.store(count_down(record), std::memory_order_seq_cst);
  if (record.raylet_refs == 0) suggest(name.entry);
}

bool Store::add_contained(const ObjectName &container, const ObjectName &inner) {
  if (!is_named(container) || !add_ref(inner)) return false;
  std::vector<ObjectName> &all = contained_[container.entry];
  all.push_back(inner);
  index_[container.entry].has_contained = true;
  note_nesting(container.entry, inner);
  segment_.entry(container.entry).contained.store(static_cast<std::uint32_t>(all.size()), std::memory_order_relaxed);
  return true;
}

void Store::drop_contained(std::uint32_t container) {
  if (!index_[container].has_contained) return;
  const std::vector<ObjectName> all = std::move(contained_[container]);
  contained_.erase(container);
  nesting_.erase(container);
  index_[container].has_contained = false;
  segment_.entry(container).contained.store(0, std::memory_order_relaxed);
  for (const ObjectName &inner : all) drop_ref(inner);
}

// False: its creator may still recycle it. Else P1 fails from now on: an id that people read in a listing was never
// shared by its creator.
bool Store::take_from_creator(const ObjectName &name) {
  segment::Word &state = segment_.entry(name.entry).state;
  std::uint64_t word = state.load(std::memory_order_acquire);
  if (refs::state_of(word) == State::kCreating) return false;
  if (refs::state_of(word) != State::kSealed || refs::writer_of(word) == refs::kRayletWriter) return true;
  return state.compare_exchange_strong(word, refs::pack(State::kSealed, refs::kRayletWriter, name.generation),
                                       std::memory_order_seq_cst);
}

// The bit of client 0, which no process ever has.
bool Store::pin(const ObjectName &name) {
  if (!take_from_creator(name)) return false;
  segment::Word &pins = segment_.set_word(segment::Set::kPins, 0, name.entry);
  return (pins.fetch_or(kSessionBit, std::memory_order_seq_cst) & kSessionBit) == 0;
}

bool Store::unpin(const ObjectName &name) {
  segment::Word &pins = segment_.set_word(segment::Set::kPins, 0, name.entry);
  const bool pinned = (pins.fetch_and(~kSessionBit, std::memory_order_seq_cst) & kSessionBit) != 0;
  if (pinned) suggest(name.entry);
  return pinned;
}

// --- freeing ---------------------------------------------------------------------------------------------------------

void Store::suggest(std::uint32_t entry) {
  if (is_entry(entry)) policy_.suggest(entry);
}

objects::EvictionFacts Store::facts_of(std::uint32_t entry) const {
  objects::EvictionFacts facts;
  facts.state = refs::state_of(word_of(entry));
  facts.raylet_refs = index_[entry].raylet_refs;
  facts.retained = index_[entry].retained != 0;
  const std::uint32_t groups = segment_.groups_live();
  for (std::uint32_t group = 0; group < groups; ++group) {
    facts.held |= segment_.set_word(segment::Set::kHolders, group, entry).load(std::memory_order_seq_cst) != 0;
    facts.pinned |= segment_.set_word(segment::Set::kPins, group, entry).load(std::memory_order_acquire) != 0;
  }
  return facts;
}

// E1..E4.
bool Store::flag_candidate(std::uint32_t entry, std::uint64_t *flagged) {
  if (!index_[entry].is_out) return false;
  const objects::EvictionFacts facts = facts_of(entry);
  if (facts.retained && objects::is_evictable(facts)) {
    retained_order_.note(entry, last_used_ns(entry), block_bytes_of(entry));
  }
  return objects::may_free(facts) && flag(entry, flagged);
}

// E3, E4. REQUIRES: E1 and E2 found nothing.
bool Store::flag(std::uint32_t entry, std::uint64_t *flagged) {
  base::crash_point(base::CrashPoint::kRayletConsidered);
  segment::EntryHeader &header = segment_.entry(entry);
  if (!refs::begin_evict(header, flagged)) return false;
  if (!refs::is_referenced(segment_, entry, segment_.groups_live())) {
    base::crash_point(base::CrashPoint::kRayletLooked);
    return true;
  }
  refs::cancel_evict(header, *flagged);
  return false;
}

std::size_t Store::free_batch(const std::function<void()> &drain) {
  policy_.next_batch(index_.size(), kCandidatesPerBatch, &batch_);
  flagged_.clear();
  for (const std::uint32_t entry : batch_) {
    std::uint64_t flagged = 0;
    if (flag_candidate(entry, &flagged)) flagged_.emplace_back(entry, flagged);
  }
  if (flagged_.empty()) return 0;
  drain();  // E5, once for the whole batch
  base::crash_point(base::CrashPoint::kRayletDrained);
  std::size_t count = 0;
  for (const auto &[entry, flagged] : flagged_) {
    segment::EntryHeader &header = segment_.entry(entry);
    if (index_[entry].raylet_refs != 0 || index_[entry].retained != 0) {  // E6
      refs::cancel_evict(header, flagged);
      suggest(entry);                                  // it may only be retained now
    } else if (refs::finish_evict(header, flagged)) {  // E7
      free_entry(entry);
      ++count;
    }
  }
  return count;
}

// E8.
void Store::free_entry(std::uint32_t entry) {
  refs::clear_waiters(segment_, entry);
  drop_contained(entry);
  if (std::exchange(index_[entry].is_actor, false)) freed_actors_.push_back(index_[entry].task);
  if (log_.is_on()) log_.add(segment::Event::kFree, {entry, refs::generation_of(word_of(entry)) - 1}, 0);
  segment_.header().freed.store(++freed_, std::memory_order_relaxed);
  recycle(entry);
}

// --- settling for others ---------------------------------------------------------------------------------------------

bool Store::fail(const ObjectName &name, const segment::Verdict &verdict) {
  if (!is_named(name) || refs::is_settled(word_of(name.entry))) return false;
  segment_.entry(name.entry).verdict = verdict;
  base::crash_point(base::CrashPoint::kRayletJudged);
  if (!refs::fail(segment_.entry(name.entry), name.generation)) return false;
  refs::ring_waiters(segment_, name.entry);
  return true;
}

// --- deaths ----------------------------------------------------------------------------------------------------------

void Store::settle_or_take_back(std::uint32_t client, const segment::Verdict &verdict,
                                std::vector<ObjectName> *failed) {
  const std::uint32_t entry = index_.first_of(client);
  const std::uint64_t word = word_of(entry);
  const ObjectName name{entry, refs::generation_of(word)};
  if (refs::state_of(word) == State::kFree) {
    static_cast<void>(take_back(client, entry));
    return;
  }
  // Never straight to FREE: an id told early may be held. A result of a known task is the task's business.
  if (index_[entry].task == 0 && fail(name, verdict)) failed->push_back(name);
  index_.take_from_owner(entry);
  suggest(entry);
}

bool Store::settle_entries_of(std::uint32_t client, std::int32_t pid, std::uint32_t count,
                              std::vector<ObjectName> *failed) {
  segment::Verdict verdict{};
  verdict.code = static_cast<std::uint32_t>(Code::kOwnerDied);
  verdict.pid = pid;
  verdict.cause_entry = segment::kNoEntry;
  for (; count != 0 && index_.first_of(client) != segment::kNoEntry; --count) {
    settle_or_take_back(client, verdict, failed);
  }
  return index_.first_of(client) != segment::kNoEntry;
}

// True when there was one.
bool Store::clear_bits(std::uint32_t client, std::uint32_t entry) {
  const std::uint64_t bit = 1ull << (client % base::kClientsPerGroup);
  bool any = false;
  for (const segment::Set set : {segment::Set::kPins, segment::Set::kWaiters, segment::Set::kHolders}) {
    segment::Word &word = segment_.set_word(set, client / base::kClientsPerGroup, entry);
    if ((word.load(std::memory_order_relaxed) & bit) == 0) continue;
    word.fetch_and(~bit, std::memory_order_seq_cst);
    base::crash_point(base::CrashPoint::kRayletBitCleared);
    any = true;
  }
  return any;
}

std::uint32_t Store::sweep(std::uint32_t client, std::uint32_t first, std::uint32_t count) {
  const std::uint32_t end = std::min(first + count, index_.size());
  for (std::uint32_t entry = first; entry < end; ++entry) {
    if (!index_[entry].is_out) continue;
    // It may have died between the drop of its last handle and the hint.
    const objects::EvictionFacts facts = facts_of(entry);
    const bool is_unknown = objects::is_evictable(facts) && !retained_order_.knows(entry);
    if (clear_bits(client, entry) || objects::may_free(facts) || is_unknown) suggest(entry);
  }
  return end < index_.size() ? end : 0;
}

// Bits, then rows: the rows are what finds the bits.
std::uint64_t Store::clear_rows(std::uint32_t client, std::span<const std::uint64_t> row_offsets, std::uint64_t first,
                                std::uint32_t count) {
  std::uint64_t number = first;
  const std::uint64_t rows_count = refs::rows_before_chunk(static_cast<std::uint32_t>(row_offsets.size()));
  const std::uint64_t end = std::min<std::uint64_t>(first + count, rows_count);
  const auto entry_at = [&](std::uint64_t row) {
    const std::uint32_t chunk = refs::chunk_of_row(static_cast<std::uint32_t>(row));
    const segment::Row *const rows = segment_.rows(row_offsets[chunk]);
    return rows[row - refs::rows_before_chunk(chunk)].entry_plus_1.load(std::memory_order_acquire) - 1;
  };
  for (; number < end; ++number) {
    // The entries lie in the dead process's cache, if anywhere: half of this step was waiting for them.
    if (number + kRowsAhead < end) {
      const std::uint32_t ahead = entry_at(number + kRowsAhead);
      if (is_entry(ahead)) __builtin_prefetch(&segment_.entry(ahead), 1);
    }
    const std::uint32_t entry = entry_at(number);
    if (!is_entry(entry)) continue;
    if (log_.is_on()) {
      const ObjectName name{entry, refs::generation_of(word_of(entry))};
      log_.add(segment::Event::kReap, name, 0, 0, segment_.client(client).pid);
    }
    clear_bits(client, entry);
    suggest(entry);
    ++references_cleared_;
  }
  return end < rows_count ? end : 0;
}

}  // namespace mobula::raylet
