#include "refs/references.h"

#include <sys/mman.h>
#include <unistd.h>

#include <mutex>

#include "base/clock.h"
#include "base/crash_points.h"

namespace mobula::refs {
namespace {

constexpr std::size_t kRowIndexBytes = sizeof(std::uint32_t) * base::kEntriesMax;

void unmap_row_index(std::uint32_t *index) { munmap(index, kRowIndexBytes); }

std::uint32_t *map_row_index() {
  void *const memory =
      mmap(nullptr, kRowIndexBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) base::throw_errno("mmap of the row index");
  return static_cast<std::uint32_t *>(memory);
}

}  // namespace

References::References(const segment::Segment &segment, std::uint32_t client_id)
    : segment_(segment),
      client_id_(client_id),
      group_(client_id / base::kClientsPerGroup),
      bit_(1ull << (client_id % base::kClientsPerGroup)),
      started_ns_(segment.header().started_ns),
      sites_(segment),
      log_(segment, static_cast<std::uint32_t>(getpid())),
      logs_copies_(log_.is_on() && sites_.with_stacks()),
      row_of_(map_row_index(), unmap_row_index) {}

std::uint32_t References::allocate_row(Stripe &stripe) {
  return stripe.spares_count != 0 ? stripe.spares[--stripe.spares_count] : rows_.allocate();
}

void References::release_row(Stripe &stripe, std::uint32_t number) {
  if (stripe.spares_count == kSparesMax) return rows_.release(number);
  stripe.spares[stripe.spares_count++] = number;
}

bool References::give_up_spares() {
  bool any = false;
  for (Stripe &stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    any |= stripe.spares_count != 0;
    while (stripe.spares_count != 0) rows_.release(stripe.spares[--stripe.spares_count]);
  }
  return any;
}

std::size_t References::rows_in_use() {
  // All at once: rows go back and forth between the stripes and the table.
  for (Stripe &stripe : stripes_) stripe.mutex.lock();
  std::size_t rows = rows_.in_use();
  for (const Stripe &stripe : stripes_) rows -= stripe.spares_count;
  for (Stripe &stripe : stripes_) stripe.mutex.unlock();
  return rows;
}

// T1..T4. Null: no row. REQUIRES: the stripe is the entry's, and locked.
segment::Row *References::count_in(Stripe &stripe, std::uint32_t entry) {
  const std::uint32_t row_plus_1 = row_of_[entry];
  if (row_plus_1 == 0) return new_row(stripe, entry);
  segment::Row &row = rows_.row(row_plus_1 - 1);
  base::count_up(row.count, std::memory_order_relaxed);  // T1; the lock orders it
  base::crash_point(base::CrashPoint::kTakeCountedAgain);
  return &row;
}

segment::Row *References::new_row(Stripe &stripe, std::uint32_t entry) {
  const std::uint32_t number = allocate_row(stripe);
  if (number == RowTable::kNone) return nullptr;
  row_of_[entry] = number + 1;
  segment::Row &row = rows_.row(number);
  row.shared.store(1, std::memory_order_relaxed);
  row.since_ms = static_cast<std::uint32_t>((base::coarse_ns() - started_ns_) / base::kNanosecondsPerMillisecond);
  row.site = site();
  row.count.store(1, std::memory_order_relaxed);  // T1; nobody else sees an unused row
  base::crash_point(base::CrashPoint::kTakeCounted);
  // T2, release: the reaper that sees the bit sees the hint, too (rule 3).
  row.entry_plus_1.store(entry + 1, std::memory_order_release);
  base::crash_point(base::CrashPoint::kTakeHinted);
  // T3, seq_cst: the bit is visible before the state is read; pairs with the evictor's CAS and look (rule 2).
  own_word(segment::Set::kHolders, entry).fetch_or(bit_, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kTakeMarked);
  return &row;
}

// R2, R3. REQUIRES: the stripe is the entry's, and locked; the count has reached zero.
void References::count_out(Stripe &stripe, segment::Row &row, std::uint32_t entry) {
  base::crash_point(base::CrashPoint::kReleaseCounted);
  const std::uint32_t number = row_of_[entry] - 1;
  log(segment::Event::kRelease, name_of(row));
  // seq_cst: everything published before is visible to the evictor that sees the bit gone (rule 13).
  own_word(segment::Set::kHolders, entry).fetch_and(~bit_, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kReleaseCleared);
  // release: the reaper that finds no hint finds no bit.
  row.entry_plus_1.store(0, std::memory_order_release);
  base::crash_point(base::CrashPoint::kReleaseDone);
  row_of_[entry] = 0;
  release_row(stripe, number);
}

// T6'': true when no verdict stands against the entry's group: it has none, or this takes the flag off the one member
// whose verdict is the verdict on all (rule 39). The group word was written before the flag that we have seen.
bool References::rescue_group(std::uint32_t representative_plus_1) const {
  if (representative_plus_1 == 0 || representative_plus_1 > segment_.entries_reserved()) return true;
  segment::Word &state = segment_.entry(representative_plus_1 - 1).state;
  std::uint64_t word = state.load(std::memory_order_seq_cst);
  while (is_evicting(word) && state_of(word) != State::kFree) {
    if (state.compare_exchange_weak(word, word & ~kEvictingFlag, std::memory_order_seq_cst)) {
      base::crash_point(base::CrashPoint::kGroupRescued);
      return true;
    }
  }
  return state_of(word) != State::kFree;
}

References::Take References::take(ObjectName name, segment::Row **row) {
  segment::Row *counted = nullptr;
  do {
    Stripe &stripe = stripe_of(name.entry);
    const std::lock_guard lock(stripe.mutex);
    counted = count_in(stripe, name.entry);
  } while (counted == nullptr && give_up_spares());
  if (counted == nullptr) return Take::kNoRow;
  segment::EntryHeader &header = segment_.entry(name.entry);
  std::uint64_t word = header.state.load(std::memory_order_seq_cst);  // T5
  while (names(word, name.generation)) {
    // T6, T6': taken, if need be by rescue: the verdict's CAS will fail, nobody waits.
    if (is_evicting(word)) {
      const std::uint32_t group = header.group.load(std::memory_order_seq_cst);
      if (!rescue_group(group)) {
        // The verdict is on this tenant only if its words are still the same: else its group had been let go before,
        // and the representative was freed without it.
        const std::uint64_t again = header.state.load(std::memory_order_seq_cst);
        if (again == word && header.group.load(std::memory_order_seq_cst) == group) break;
        word = again;
        continue;
      }
    }
    if (!is_evicting(word) ||
        header.state.compare_exchange_weak(word, word & ~kEvictingFlag, std::memory_order_seq_cst)) {
      if (is_evicting(word)) base::crash_point(base::CrashPoint::kTakeRescued);
      counted->generation.store(name.generation, std::memory_order_relaxed);
      // relaxed: of all takers' times any one will do.
      header.last_taken_ns.store(static_cast<std::uint64_t>(base::coarse_ns()), std::memory_order_relaxed);
      *row = counted;
      log(segment::Event::kTake, name);
      return Take::kTaken;
    }
  }
  base::crash_point(base::CrashPoint::kTakeGone);
  std::uint32_t entry = 0;
  release_shared(*counted, &entry);  // T7: undone through the count, never by clearing the bit (rule 4)
  return Take::kGone;
}

References::Release References::release(segment::Row &row, std::uint32_t *entry) {
  *entry = entry_of(row);
  // acquire: who gave back the handle before the last may have told somebody.
  std::uint32_t count = row.count.load(std::memory_order_acquire);
  while (count > 1) {
    if (base::is_saturated(count)) return Release::kHeld;
    // release: our reads of the bytes come before whatever the last holder allows.
    if (row.count.compare_exchange_weak(count, count - 1, std::memory_order_release, std::memory_order_acquire)) {
      return Release::kHeld;
    }
  }
  // The only handle, of which nobody else was told: nobody can take another. Who tries to, by the name of an earlier
  // tenant, counts himself in and, when he has seen the state, out again; the count that the free list has stays.
  if (row.shared.load(std::memory_order_relaxed) == 0 && recycle(row, State::kSealed)) return Release::kRecycled;
  return release_shared(row, entry);
}

References::Release References::release_shared(segment::Row &row, std::uint32_t *entry) {
  *entry = entry_of(row);
  Stripe &stripe = stripe_of(*entry);
  const std::lock_guard lock(stripe.mutex);
  if (base::count_down(row.count, std::memory_order_acq_rel) != 1) return Release::kHeld;
  count_out(stripe, row, *entry);
  return Release::kLast;
}

segment::Row *References::open(std::uint32_t entry) {
  segment::Row *row = nullptr;
  do {
    Stripe &stripe = stripe_of(entry);
    const std::lock_guard lock(stripe.mutex);
    row = count_in(stripe, entry);
    if (row == nullptr) continue;
    row->shared.store(0, std::memory_order_relaxed);
    row->generation.store(generation_of(segment_.entry(entry).state.load(std::memory_order_relaxed)),
                          std::memory_order_relaxed);
  } while (row == nullptr && give_up_spares());
  if (row != nullptr) base::crash_point(base::CrashPoint::kCreateOpened);
  return row;
}

bool References::begin(segment::Row &row, State state) {
  const std::uint64_t generation = row.generation.load(std::memory_order_relaxed);
  std::uint64_t expected = pack(State::kFree, kRayletWriter, generation);
  const std::uint32_t writer = state == State::kPending ? kRayletWriter : client_id_;
  return segment_.entry(entry_of(row))
      .state.compare_exchange_strong(expected, pack(state, writer, generation), std::memory_order_seq_cst);
}

void References::add_here(segment::Event event, ObjectName name) {
  log_.add(event, name, site(), segment_.entry(name.entry).size);
}

void References::add_made(segment::Event event, ObjectName name) {
  log_.add(event, name, segment_.entry(name.entry).site, segment_.entry(name.entry).size);
}

// A call in the last place, here and in recycle: the way without a log keeps nothing on the stack.
bool References::settle(segment::Row &row, State state) {
  return log_.is_on() ? settle_logged(row, state) : settle_now(row, state);
}

bool References::settle_logged(segment::Row &row, State state) {
  log_made(state == State::kSealed ? segment::Event::kSeal : segment::Event::kFail, name_of(row));
  return settle_now(row, state);
}

bool References::settle_now(segment::Row &row, State state) {
  const std::uint64_t generation = row.generation.load(std::memory_order_relaxed);
  std::uint64_t expected = pack(State::kCreating, client_id_, generation);
  // K1, seq_cst: the bytes before the state; the state before the look at the waiters (rule 25).
  return segment_.entry(entry_of(row))
      .state.compare_exchange_strong(expected, pack(state, client_id_, generation), std::memory_order_seq_cst);
}

bool References::recycle(segment::Row &row, State from) {
  return log_.is_on() ? recycle_logged(row, from) : recycle_now(row, from);
}

bool References::recycle_logged(segment::Row &row, State from) {
  log(segment::Event::kRecycle, name_of(row));
  return recycle_now(row, from);
}

// P1. REQUIRES: the caller has the only handle and nobody else was told. Bit, hint and count stay (rule 19).
bool References::recycle_now(segment::Row &row, State from) {
  const std::uint64_t generation = row.generation.load(std::memory_order_relaxed);
  std::uint64_t expected = pack(from, client_id_, generation);
  const std::uint64_t freed = pack(State::kFree, kRayletWriter, next_generation(generation));
  if (is_retired(freed)) return false;  // the raylet's to free, and to retire
  if (!segment_.entry(entry_of(row)).state.compare_exchange_strong(expected, freed, std::memory_order_seq_cst)) {
    return false;
  }
  base::crash_point(base::CrashPoint::kRecycleFreed);
  row.generation.store(next_generation(generation), std::memory_order_relaxed);
  base::crash_point(base::CrashPoint::kRecycleDone);
  return true;
}

bool References::abandon(segment::Row &row) {
  const std::lock_guard lock(stripe_of(entry_of(row)).mutex);
  if (recycle(row, State::kCreating)) return true;
  static_cast<void>(settle(row, State::kFailed));  // the raylet frees settled entries only
  return false;
}

void References::pin(segment::Row &row) {
  copy(row);
  log(segment::Event::kPin, name_of(row));
  const std::uint32_t entry = entry_of(row);
  const std::lock_guard lock(stripe_of(entry).mutex);
  // The row before the bit, as for holders: the reaper clears what the rows name.
  if (base::count_up(row.pins, std::memory_order_release) == 0) {
    base::crash_point(base::CrashPoint::kPinCounted);
    own_word(segment::Set::kPins, entry).fetch_or(bit_, std::memory_order_seq_cst);
    base::crash_point(base::CrashPoint::kPinMarked);
  }
}

bool References::unpin(segment::Row &row) {
  const std::uint32_t entry = entry_of(row);
  const std::lock_guard lock(stripe_of(entry).mutex);
  const std::uint32_t pins = row.pins.load(std::memory_order_relaxed);
  if (pins == 0) return false;
  if (base::is_saturated(pins)) return true;
  log(segment::Event::kUnpin, name_of(row));
  if (pins == 1) own_word(segment::Set::kPins, entry).fetch_and(~bit_, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kUnpinCleared);
  row.pins.store(pins - 1, std::memory_order_release);
  return true;
}

}  // namespace mobula::refs
