#include "client/pools.h"

#include <algorithm>
#include <atomic>

#include "base/crash_points.h"

namespace mobula::client {
namespace {

constexpr std::uint32_t kFirstBatch = 32;
constexpr std::uint32_t kInlineBatchMax = 2048;  // so that a held put costs less than 1/1000 of a system call
constexpr std::uint64_t kBatchShareOfPool = 4;   // one batch takes no more than this part of what may be kept
// Of larger blocks: what goes round between a writer, a reader and the raylet shall stay in a cache. Two at least, so
// that the next are under way while the last is written.
constexpr std::uint64_t kBatchBytesMax = 2ull << 20;
// Of the free bytes, while less than a quarter is free: what is kept ahead takes part in breaking the rest up.
constexpr std::uint64_t kPoolsShareOfScarce = 64;
constexpr std::uint32_t kSlotsUnderWayMax = base::kGrantSlots - 64;  // the rest for one-slot answers
constexpr std::size_t kRefusalsKept = 1024;
constexpr std::uint32_t kInlineEntriesKept = 4096;
constexpr std::size_t kShelfMax = 64;     // entries; the rest of what a thread recycles is for all
constexpr std::size_t kShelfRefill = 16;  // entries taken from the pool at a time
constexpr std::size_t kPopsAhead = 2;

// Which number in a row this thread has among those that have asked.
std::size_t thread_number() {
  static std::atomic<std::size_t> threads{0};
  static thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

Pools::Pools(const segment::Segment &segment, std::uint32_t client_id, refs::References &references, Outbox &outbox)
    : segment_(segment),
      references_(references),
      outbox_(outbox),
      grants_(&segment.client(client_id).grants, segment.rings(client_id).grants, base::kGrantSlots) {}

// relaxed: both are figures that the raylet changes at any time.
std::uint64_t Pools::bytes_max() const {
  const segment::SegmentHeader &header = segment_.header();
  const std::uint64_t used_bytes = header.block_bytes.load(std::memory_order_relaxed);
  const std::uint64_t free_bytes = segment_.capacity_bytes() - std::min(used_bytes, segment_.capacity_bytes());
  const std::uint64_t allowed_bytes = header.pool_bytes_max.load(std::memory_order_relaxed);
  if (free_bytes >= segment_.capacity_bytes() / 4) return allowed_bytes;
  return std::min(allowed_bytes, free_bytes / kPoolsShareOfScarce);
}

std::uint32_t Pools::batch_max(std::uint32_t size_class) const {
  if (size_class == objects::kInlineClass) return kInlineBatchMax;
  if (size_class >= objects::kLargeClass) return 1;
  const std::uint64_t keep_bytes = bytes_max();
  const std::uint64_t more_bytes = keep_bytes - std::min(pooled_bytes_, keep_bytes);
  const std::uint64_t batch_bytes = std::min(more_bytes / kBatchShareOfPool, kBatchBytesMax);
  const std::uint64_t fitting = batch_bytes / objects::block_bytes(size_class);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fitting, 1, kInlineBatchMax));
}

bool Pools::is_pressed() const { return segment_.header().pressure.load(std::memory_order_relaxed) != 0; }

std::uint64_t Pools::bytes_of(const PooledEntry &entry) const {
  const segment::EntryHeader &header = segment_.entry(entry.entry);
  return header.offset == segment::kInlineOffset ? 0 : header.capacity_bytes;
}

Pools::Shelf &Pools::own_shelf() { return shelves_[thread_number() % kShelves]; }

std::optional<PooledEntry> Pools::pop_back(std::vector<PooledEntry> &entries) const {
  if (entries.empty()) return std::nullopt;
  const PooledEntry found = entries.back();
  entries.pop_back();
  // Its header lies in the raylet's cache, or in that of the worker that wrote to it last.
  if (entries.size() >= kPopsAhead) segment_.prefetch_entry(entries[entries.size() - kPopsAhead].entry);
  return found;
}

std::optional<PooledEntry> Pools::pop_from(Shelf &shelf) {
  const std::lock_guard lock(shelf.mutex);
  return pop_back(shelf.entries);
}

bool Pools::put_on(Shelf &shelf, const PooledEntry &entry) {
  const std::lock_guard lock(shelf.mutex);
  if (shelf.entries.size() >= kShelfMax) return false;
  shelf.entries.push_back(entry);
  return true;
}

// What other threads have put aside, before the raylet is waited for. REQUIRES: mutex_ is locked.
std::optional<PooledEntry> Pools::pop_elsewhere() {
  for (Shelf &shelf : shelves_) {
    if (std::optional<PooledEntry> found = pop_from(shelf)) return found;
  }
  return std::nullopt;
}

// Of several threads each gets only a part of a small pool.
void Pools::stock_locked(Shelf &shelf) {
  std::vector<PooledEntry> &entries = pool_of(objects::kInlineClass).entries;
  const auto taken = static_cast<std::ptrdiff_t>(std::min(entries.size() / 2, kShelfRefill));
  const std::lock_guard lock(shelf.mutex);
  shelf.entries.insert(shelf.entries.end(), entries.end() - taken, entries.end());
  entries.erase(entries.end() - taken, entries.end());
}

std::optional<PooledEntry> Pools::pop(std::uint64_t bytes) {
  const std::uint32_t size_class = objects::class_of(bytes);
  const bool is_inline = size_class == objects::kInlineClass;
  if (is_inline) {
    if (std::optional<PooledEntry> found = pop_from(own_shelf())) return found;
  }
  const std::lock_guard lock(mutex_);
  Pool &pool = pool_of(size_class);
  if (pool.entries.size() <= pool.batch / 4) collect_locked();
  if (size_class == objects::kLargeClass) return pop_large(bytes);
  if (pool.entries.empty()) return is_inline ? pop_elsewhere() : std::nullopt;
  // A store that is nearly full grants blocks below their class's size.
  if (!is_inline && segment_.entry(pool.entries.back().entry).capacity_bytes < bytes) return std::nullopt;
  const std::optional<PooledEntry> found = pop_back(pool.entries);
  pooled_bytes_ -= bytes_of(*found);
  if (is_inline) stock_locked(own_shelf());
  // Ahead of need, so not while somebody waits for space.
  const bool may_ask = is_inline || (batch_max(size_class) > 1 && !is_pressed());
  const bool runs_out = pool.entries.size() * 4 < pool.batch && pool.batch > 1 && may_ask;
  if (runs_out && pool.ticket == 0) request_locked(size_class, bytes);
  return found;
}

std::optional<PooledEntry> Pools::pop_large(std::uint64_t bytes) {
  const std::uint64_t wanted = (bytes + segment::kPageBytes - 1) / segment::kPageBytes * segment::kPageBytes;
  std::vector<PooledEntry> &entries = pool_of(objects::kLargeClass).entries;
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const PooledEntry &pooled) {
    return segment_.entry(pooled.entry).capacity_bytes == wanted;
  });
  if (found == entries.end()) return std::nullopt;
  const PooledEntry entry = *found;
  entries.erase(found);
  pooled_bytes_ -= bytes_of(entry);
  return entry;
}

bool Pools::push(const PooledEntry &entry) {
  const std::uint64_t bytes = bytes_of(entry);
  if (bytes == 0 && put_on(own_shelf(), entry)) return true;
  const std::uint32_t size_class = bytes == 0 ? objects::kInlineClass : objects::class_of(bytes);
  const std::lock_guard lock(mutex_);
  Pool &pool = pool_of(size_class);
  const bool wanted = bytes == 0 ? pool.entries.size() < kInlineEntriesKept : pooled_bytes_ + bytes <= bytes_max();
  if (size_class == objects::kLargeClass || !wanted) return false;
  pool.entries.push_back(entry);
  pooled_bytes_ += bytes;
  return true;
}

void Pools::give_back(const PooledEntry &entry) {
  if (entry.row != nullptr) {
    std::uint32_t released = 0;
    references_.release_shared(*entry.row, &released);
    base::crash_point(base::CrashPoint::kReturnReleased);
  }
  segment::RingSlot slot = wire::slot_of(wire::ToRaylet::kReturn);
  slot.count = 1;
  slot.words[0] = entry.entry;
  outbox_.send(slot, Outbox::Urgency::kWhenConvenient);
}

void Pools::give_back_all_but(std::uint32_t size_class) {
  std::vector<PooledEntry> unwanted;
  {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t other = 1; other <= objects::kLargeClass; ++other) {
      if (other == size_class) continue;
      std::vector<PooledEntry> &entries = pool_of(other).entries;
      for (const PooledEntry &entry : entries) pooled_bytes_ -= bytes_of(entry);
      unwanted.insert(unwanted.end(), entries.begin(), entries.end());
      entries.clear();
      pool_of(other).batch = 0;
    }
  }
  for (const PooledEntry &entry : unwanted) give_back(entry);
  if (!unwanted.empty()) outbox_.wake_raylet();
}

std::uint32_t Pools::request(std::uint64_t bytes, std::uint32_t own_ticket) {
  const std::uint32_t size_class = objects::class_of(bytes);
  const std::lock_guard lock(mutex_);
  const Pool &pool = pool_of(size_class);
  // Large extents fit one put only, so each waiting thread asks for its own, once.
  if (size_class == objects::kLargeClass) return own_ticket != 0 ? own_ticket : request_locked(size_class, bytes);
  if (pool.ticket != 0) return pool.ticket;
  return request_locked(size_class, bytes);
}

std::uint32_t Pools::request_locked(std::uint32_t size_class, std::uint64_t bytes) {
  Pool &pool = pool_of(size_class);
  pool.batch = std::min(pool.batch == 0 ? kFirstBatch : pool.batch * 2, batch_max(size_class));
  std::uint32_t count = pool.batch;
  std::uint32_t slots = (count + wire::kEntriesPerGrant - 1) / wire::kEntriesPerGrant;
  // All answers under way must fit the grants ring.
  if (slots_under_way_ + slots > kSlotsUnderWayMax) {
    count = std::min(count, wire::kEntriesPerGrant);
    slots = 1;
  }
  pool.ticket = next_ticket_;
  next_ticket_ = std::max(next_ticket_ + 1, 1u);  // 0 means none, also after a wrap
  pool.slots = slots;
  slots_under_way_ += slots;
  outbox_.send(wire::request_slot({size_class, count, bytes, pool.ticket}), Outbox::Urgency::kNow);
  return pool.ticket;
}

void Pools::clear_ticket(Pool &pool) {
  pool.ticket = 0;
  slots_under_way_ -= std::exchange(pool.slots, 0);
}

void Pools::withdraw(std::uint32_t ticket) {
  {
    const std::lock_guard lock(mutex_);
    for (Pool &pool : pools_) {
      if (pool.ticket == ticket) clear_ticket(pool);
    }
  }
  segment::RingSlot slot = wire::slot_of(wire::ToRaylet::kWithdraw);
  slot.words[0] = ticket;
  outbox_.send(slot, Outbox::Urgency::kNow);
}

std::optional<Code> Pools::take_refusal(std::uint32_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = refusals_.find(ticket);
  if (found == refusals_.end()) return std::nullopt;
  const Code code = found->second;
  refusals_.erase(found);
  return code;
}

void Pools::collect_grants() {
  const std::lock_guard lock(mutex_);
  collect_locked();
}

void Pools::collect_locked() {
  segment::RingSlot grant;
  while (grants_.peek(&grant) == segment::RingConsumer::Look::kMessage) {
    switch (static_cast<wire::Grant>(grant.kind)) {
      case wire::Grant::kEntries:
        accept_entries(grant);
        break;
      case wire::Grant::kRows:
        accept_rows(grant);
        break;
      case wire::Grant::kRefused:
        if (refusals_.size() >= kRefusalsKept) refusals_.clear();  // of requests ahead of need, which nobody asks for
        refusals_[grant.words[0]] = static_cast<Code>(grant.words[1]);
        for (Pool &pool : pools_) {
          if (pool.ticket == grant.words[0]) clear_ticket(pool);
        }
        break;
    }
    grants_.pop();
  }
}

void Pools::accept_entries(const segment::RingSlot &grant) {
  Pool &pool = pool_of(std::min(grant.words[0], objects::kLargeClass));
  clear_ticket(pool);
  for (std::uint32_t i = 0; i < grant.count; ++i) {
    pool.entries.push_back({grant.words[1 + i], nullptr});
    pooled_bytes_ += bytes_of(pool.entries.back());
  }
}

void Pools::accept_rows(const segment::RingSlot &grant) {
  rows_requested_ = false;
  rows_refused_ = grant.words[0] == wire::kNoRows;
  if (!rows_refused_) references_.rows().add_chunk(segment_.rows(wire::get_wide(grant, 1)));
}

bool Pools::take_rows_refusal() {
  const std::lock_guard lock(mutex_);
  return std::exchange(rows_refused_, false);
}

std::size_t Pools::rows_kept() {
  const std::lock_guard lock(mutex_);
  std::size_t rows = 0;
  const auto count = [&](const std::vector<PooledEntry> &entries) {
    rows += static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [](const PooledEntry &entry) { return entry.row != nullptr; }));
  };
  for (const Pool &pool : pools_) count(pool.entries);
  for (Shelf &shelf : shelves_) {
    const std::lock_guard shelf_lock(shelf.mutex);
    count(shelf.entries);
  }
  return rows;
}

void Pools::request_rows() {
  const std::lock_guard lock(mutex_);
  if (rows_requested_) return;
  rows_requested_ = true;
  outbox_.send(wire::slot_of(wire::ToRaylet::kRows), Outbox::Urgency::kNow);
}

}  // namespace mobula::client
