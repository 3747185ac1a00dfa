// refs/references.h: what one client process holds: TAKE, RELEASE, CREATE and PRIVATE of docs/reference-rules.md.
//   Layout     own rows (segment::Row) and own bits in the holder and pin sets
//   Threads    thread-safe; one private lock per entry stripe guards the steps from and to zero handles
//   Crash      at any instruction: a row with a hint covers every bit, so the reaper finds them all
//   Cost       copy: one increment; drop of a further handle: one decrement; first and last: a lock, a locked or/and
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/atomic.h"
#include "base/saturation.h"
#include "refs/call_sites.h"
#include "refs/event_log.h"
#include "refs/row_table.h"
#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::refs {

class References {
 public:
  References(const segment::Segment &segment, std::uint32_t client_id);

  RowTable &rows() { return rows_; }
  // Of where this thread is: `site`, or without one the innermost.
  std::uint32_t site(const CallSite *site = nullptr) { return sites_.current(site); }
  CallSites &sites() { return sites_; }
  // Of an entry of ours that no row of this process tells of: what it does for a task.
  void log(segment::Event event, ObjectName name) {
    if (log_.is_on()) [[unlikely]]
      add_here(event, name);
  }
  // What this process has begun, or another for its task: the entry knows the site.
  void log_made(segment::Event event, ObjectName name) {
    if (log_.is_on()) [[unlikely]]
      add_made(event, name);
  }
  bool logs_copies() const { return logs_copies_; }
  void log_copy(const segment::Row &row) { log(segment::Event::kCopy, name_of(row)); }
  // Rows that stand for something: each is one or more handles of an object.
  std::size_t rows_in_use();

  enum class Take { kTaken, kGone, kNoRow };
  // A handle of the object named. kGone: it is no more; kNoRow: nothing done, add a chunk of rows and try again.
  Take take(ObjectName name, segment::Row **row);
  // Another handle, from one that the caller owns. At its top the count saturates: then this process holds the object
  // until it ends (rule 40).
  // Ordering: relaxed: the caller's own handle keeps the count above zero meanwhile.
  static void copy(segment::Row &row) noexcept { base::count_up(row.count, std::memory_order_relaxed); }

  enum class Release {
    kHeld,      // other handles of this process remain, or its count is saturated
    kLast,      // this process holds it no more: tell the raylet by a hint
    kRecycled,  // nobody else was ever told of it: entry, row, bit and one count now belong to the caller's free list
  };
  // Gives one handle back. `entry` receives which, also after the row has been reused.
  Release release(segment::Row &row, std::uint32_t *entry);
  // The same, but never recycles.
  Release release_shared(segment::Row &row, std::uint32_t *entry);

  // C2: counts this process in on a slot of its own batch. Null: no row, nothing done.
  segment::Row *open(std::uint32_t entry);
  // C3: FREE -> CREATING or PENDING. False: the raylet took the slot back; the caller releases the row.
  bool begin(segment::Row &row, State state);
  // Settles what this process creates. False: the raylet has settled it before.
  bool settle(segment::Row &row, State state);
  // An aborted creation goes back to the free list, as in PRIVATE. False: it was settled, or its entry has no
  // generation left to be used again; the caller releases the row.
  bool abandon(segment::Row &row);

  // The raylet, another process or a message was or will be told of the object: from now on only the raylet frees it.
  static void share(segment::Row &row) noexcept { row.shared.store(1, std::memory_order_relaxed); }

  // Keeps the object until unpin or this process's death. Counts as one handle. REQUIRES: the caller owns a handle.
  void pin(segment::Row &row);
  // False when this process has no pin on it. The pin's handle is returned to the caller to release. A saturated number
  // of pins stays.
  bool unpin(segment::Row &row);

  static std::uint32_t entry_of(const segment::Row &row) noexcept {
    return row.entry_plus_1.load(std::memory_order_relaxed) - 1;
  }
  static ObjectName name_of(const segment::Row &row) noexcept {
    return {entry_of(row), row.generation.load(std::memory_order_relaxed)};
  }

 private:
  static constexpr std::size_t kStripes = 256;
  static constexpr std::uint32_t kSparesMax = 4;  // of all stripes together not more than the first chunk has
  struct Stripe {
    base::Mutex mutex;
    std::uint32_t spares_count = 0;
    std::array<std::uint32_t, kSparesMax> spares{};  // rows that entries of this stripe had last
  };
  static_assert(kStripes * kSparesMax <= base::kRowsPerFirstChunk);
  Stripe &stripe_of(std::uint32_t entry) { return stripes_[entry % kStripes]; }
  std::uint32_t allocate_row(Stripe &stripe);
  void release_row(Stripe &stripe, std::uint32_t number);
  // Back to the table, where every stripe finds them. False: there were none.
  bool give_up_spares();
  segment::Word &own_word(segment::Set set, std::uint32_t entry) const { return segment_.set_word(set, group_, entry); }
  segment::Row *count_in(Stripe &stripe, std::uint32_t entry);
  segment::Row *new_row(Stripe &stripe, std::uint32_t entry);
  void count_out(Stripe &stripe, segment::Row &row, std::uint32_t entry);
  bool recycle(segment::Row &row, State from);
  bool recycle_now(segment::Row &row, State from);
  bool settle_now(segment::Row &row, State state);
  [[gnu::cold, gnu::noinline]] bool recycle_logged(segment::Row &row, State from);
  [[gnu::cold, gnu::noinline]] bool settle_logged(segment::Row &row, State state);
  // Out of the way: who logs nothing shall not save registers for it.
  [[gnu::cold, gnu::noinline]] void add_here(segment::Event event, ObjectName name);
  [[gnu::cold, gnu::noinline]] void add_made(segment::Event event, ObjectName name);
  bool rescue_group(std::uint32_t representative_plus_1) const;

  const segment::Segment &segment_;
  const std::uint32_t client_id_;
  const std::uint32_t group_;
  const std::uint64_t bit_;
  const std::int64_t started_ns_;
  CallSites sites_;
  const EventLog log_;
  const bool logs_copies_;
  RowTable rows_;
  // Which row this process has for an entry, plus one; guarded by the entry's stripe. Touched pages only cost memory.
  std::unique_ptr<std::uint32_t[], void (*)(std::uint32_t *)> row_of_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace mobula::refs
