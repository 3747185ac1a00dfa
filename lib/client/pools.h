// client/pools.h: the entries that the raylet has granted to this process, ready to be put into.
//   Threads    thread-safe: one lock for all classes, and before it, for entries without a block, one for each of a few
//              shelves among which the threads are divided
//   Crash      a granted entry stays FREE until used; the reaper takes it back
//   Ownership  an entry in a pool is this process's; a recycled one comes with its row, bit and one count (rule 19)
//   Cost       pop and push: one uncontended lock; a request to the raylet for every batch
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "client/outbox.h"
#include "objects/size_classes.h"
#include "refs/references.h"
#include "segment/ring.h"
#include "wire/ring_messages.h"

namespace mobula::client {

struct PooledEntry {
  std::uint32_t entry = segment::kNoEntry;
  segment::Row *row = nullptr;  // of a recycled one
};

class Pools {
 public:
  Pools(const segment::Segment &segment, std::uint32_t client_id, refs::References &references, Outbox &outbox);

  // An entry with room for `bytes`, or nothing when a grant must come first. Asks for more ahead of need.
  std::optional<PooledEntry> pop(std::uint64_t bytes);
  // Keeps a recycled entry. False: enough of its size are there, the caller gives it back with give_back().
  bool push(const PooledEntry &entry);
  // Returns a free entry to the raylet.
  void give_back(const PooledEntry &entry);
  // Returns every pooled entry of another class than `size_class`: somebody, maybe we ourselves, needs the space.
  void give_back_all_but(std::uint32_t size_class);

  // Asks the raylet for room for `bytes` unless that is under way. Returns the ticket, for withdraw and refusals.
  // `own_ticket` is the caller's earlier one for the same bytes, 0 for none.
  std::uint32_t request(std::uint64_t bytes, std::uint32_t own_ticket = 0);
  void withdraw(std::uint32_t ticket);
  // The raylet's refusal of that request, if it came; it is forgotten by this call.
  std::optional<Code> take_refusal(std::uint32_t ticket);

  // Reads the grants ring. Called by pop(), and by waiters.
  void collect_grants();
  // Rows that belong to pooled entries.
  std::size_t rows_kept();
  // Asks for another chunk of rows unless one is under way.
  void request_rows();
  // True once after the raylet had no chunk left.
  bool take_rows_refusal();

 private:
  struct Pool {
    std::vector<PooledEntry> entries;
    std::uint32_t batch = 0;   // how many to ask for next
    std::uint32_t ticket = 0;  // of the request under way, 0 = none
    std::uint32_t slots = 0;   // of the grants ring that its answer may take
  };
  // Entries without a block that the threads of one shelf use first, so that threads which put do not meet.
  struct alignas(segment::kCacheLineBytes) Shelf {
    base::Mutex mutex;
    std::vector<PooledEntry> entries;
  };
  static constexpr std::size_t kShelves = 8;

  Pool &pool_of(std::uint32_t size_class) { return pools_[size_class]; }
  Shelf &own_shelf();
  std::optional<PooledEntry> pop_from(Shelf &shelf);
  std::optional<PooledEntry> pop_elsewhere();
  bool put_on(Shelf &shelf, const PooledEntry &entry);
  void stock_locked(Shelf &shelf);
  std::optional<PooledEntry> pop_back(std::vector<PooledEntry> &entries) const;
  std::uint32_t batch_max(std::uint32_t size_class) const;
  std::uint64_t bytes_of(const PooledEntry &entry) const;
  std::uint64_t bytes_max() const;
  bool is_pressed() const;
  std::optional<PooledEntry> pop_large(std::uint64_t bytes);
  void clear_ticket(Pool &pool);
  std::uint32_t request_locked(std::uint32_t size_class, std::uint64_t bytes);
  void collect_locked();
  void accept_entries(const segment::RingSlot &grant);
  void accept_rows(const segment::RingSlot &grant);

  const segment::Segment &segment_;
  refs::References &references_;
  Outbox &outbox_;
  base::Mutex mutex_;
  segment::RingConsumer grants_;
  std::array<Pool, objects::kLargeClass + 1> pools_;
  std::array<Shelf, kShelves> shelves_;  // a shelf's lock is taken alone or after mutex_
  std::unordered_map<std::uint32_t, Code> refusals_;
  std::uint64_t pooled_bytes_ = 0;  // of all pools
  std::uint32_t slots_under_way_ = 0;
  std::uint32_t next_ticket_ = 1;
  bool rows_requested_ = false;
  bool rows_refused_ = false;
};

}  // namespace mobula::client
