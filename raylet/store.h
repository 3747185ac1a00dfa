// raylet/store.h: gives out and takes back entries and blocks, counts the raylet's references, frees what nobody needs.
//   Threads    thread-bound (the raylet's loop)
//   Crash      its index is private: the raylet's death ends the segment
//   Errors     requests that can never be met are refused; hostile numbers give false
//   Cost       O(1) per entry, but for the figures, which look at every entry
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mobula/runtime.h"
#include "objects/blocks.h"
#include "objects/eviction_policy.h"
#include "objects/retained_order.h"
#include "objects/weak_holders.h"
#include "raylet/entry_index.h"
#include "refs/event_log.h"
#include "refs/names.h"
#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::raylet {

struct StoreFigures {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t used_bytes = 0;    // blocks of live objects
  std::uint64_t pooled_bytes = 0;  // blocks granted to clients and not used yet
  std::uint64_t objects = 0;       // values and results; specs and buffers are not counted
  std::uint64_t referenced_objects = 0;
  std::uint64_t pinned_objects = 0;
  std::uint64_t retained_objects = 0;
  std::uint64_t evictable_objects = 0;
  std::uint64_t evictions = 0;
  std::uint64_t evicted_bytes = 0;
  std::uint64_t freed = 0;
  std::uint64_t retired_entries = 0;  // that had their last generation
  std::uint64_t names = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t largest_free_bytes = 0;
};

// What a pass has freed.
struct Freed {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // of their blocks
};

class Store {
 public:
  explicit Store(segment::Segment &segment);

  // --- giving out --------------------------------------------------------------------------------------------------
  // Up to `count` entries with room for `bytes` each, owned by `client` from now on. Fewer when space is short; none:
  // the store is full (or holds its limit of entries: see is_out_of_entries).
  std::vector<std::uint32_t> grant(std::uint32_t client, std::uint32_t size_class, std::uint32_t count,
                                   std::uint64_t bytes);
  // Bytes of the data region that no block takes, and that blocks take.
  std::uint64_t free_bytes() const { return blocks_.capacity_bytes() - blocks_.used_bytes(); }
  std::uint64_t used_bytes() const { return blocks_.used_bytes(); }
  bool is_out_of_entries() const { return free_entries_.empty() && index_.size() >= base::kEntriesMax; }
  // Begins to take the blocks of all entries that lie unused in clients' pools; the entries stay theirs until they
  // return them. For when somebody waits for space. REQUIRES: `pressure` is set, so that nothing goes into a pool any
  // more. Goes on by withdraw_some(), which looks at a bounded number of entries and says whether some are left.
  void begin_withdrawing() { withdraw_next_ = 0; }
  bool withdraw_some();
  void end_withdrawing() { withdraw_next_ = kNotWithdrawing; }
  bool is_withdrawing() const { return withdraw_next_ != kNotWithdrawing; }
  // A FREE entry that its client does not want. False: it is not the client's, or not FREE.
  bool take_back(std::uint32_t client, std::uint32_t entry);

  // --- the raylet's references ---------------------------------------------------------------------------------------
  // False: no such object (any more).
  bool add_ref(const refs::ObjectName &name);
  void drop_ref(const refs::ObjectName &name);
  // Y contains X: X is kept as long as Y lives. Y may be sealed by now: the message came before its seal. False: one of
  // them is gone.
  bool add_contained(const refs::ObjectName &container, const refs::ObjectName &inner);
  // The session's own pin, until unpin or the session's end. False: it is as asked already, or still being written.
  // REQUIRES: is_named(name).
  bool pin(const refs::ObjectName &name);
  bool unpin(const refs::ObjectName &name);
  // What an aborted attempt had packed into a result.
  void drop_contained(std::uint32_t container);

  // --- freeing -------------------------------------------------------------------------------------------------------
  void suggest(std::uint32_t entry);
  void request_scan() { policy_.request_scan(); }
  const objects::EvictionPolicy &policy() const { return policy_; }
  bool has_candidates() const { return policy_.has_work(); }
  std::uint64_t candidates() const { return policy_.work(); }
  // Looks at one batch of candidates and frees those that nobody refers to. `drain` must consume every client ring to
  // its end (E5). Returns how many were freed.
  std::size_t free_batch(const std::function<void()> &drain);

  // --- retention, store_retention.cc ---------------------------------------------------------------------------------
  // A retained object is not freed when nobody refers to it any more, but by evict(). One that is gone stays so.
  void retain(const refs::ObjectName &name, bool retained);
  // Of one client. False: it holds base::kWeakNamesMax objects weakly already.
  bool hold_weakly(std::uint32_t client, const refs::ObjectName &name, bool held);
  // Takes the weak references of a dead client back, `count` at most. False: it had no more.
  bool forget_weak_of(std::uint32_t client, std::uint32_t count);
  // REQUIRES: refs::problem_of(name) is empty. kNoObject: it is gone, or its creator is still at it.
  refs::NameTable::Change publish(std::string_view name, const refs::ObjectName &object, bool replace);
  bool unpublish(std::string_view name);
  // The eviction pass: frees retained objects that nobody refers to, least recently taken first, until `bytes` are free
  // or one batch is through. `needs_bytes`: passes over those that have no block. `drain` as in free_batch.
  Freed evict(std::uint64_t bytes, bool needs_bytes, const std::function<void()> &drain);
  bool has_retained_candidates() const { return !retained_order_.empty(); }
  // What the pass can free now.
  std::uint64_t evictable_objects() const { return retained_order_.size(); }
  std::uint64_t evictable_bytes() const { return retained_order_.bytes(); }

  // --- cycles, store_cycles.cc ---------------------------------------------------------------------------------------
  // The mark pass: frees containers that only keep each other. `report`, if there is one, is told of each before it
  // goes.
  using Report = std::function<void(const refs::ObjectName &)>;
  Freed collect_cycles(const std::function<void()> &drain, const Report &report = {});
  // Whether enough containers have come since the last pass for another one to be worth its cost.
  bool may_have_cycles() const;
  // An actor without queued or running calls, and the process that it is.
  struct IdleActor {
    refs::ObjectName entry;
    std::uint32_t client = 0;
    std::span<const std::uint64_t> row_offsets;  // the raylet's own notes of its row chunks
  };
  // Those of them that only each other, or containers that nobody else reaches, refer to. Reads the rows of each.
  std::vector<refs::ObjectName> unreachable_actors(std::span<const IdleActor> idle) const;
  // How many groups were found and then rescued, since the session began.
  std::uint64_t groups_rescued() const { return groups_rescued_; }

  // --- actors --------------------------------------------------------------------------------------------------------
  // The entry stands for an actor. REQUIRES: is_named(name); its record names the task that makes the actor.
  void mark_actor(const refs::ObjectName &name) { index_[name.entry].is_actor = true; }
  // The numbers (EntryRecord::task) of actors whose entries were freed since the last call.
  std::vector<std::uint64_t> take_freed_actors() { return std::exchange(freed_actors_, {}); }

  // --- settling for others -------------------------------------------------------------------------------------------
  // Fails an unsettled object with the raylet's verdict and rings its waiters. False: settled before.
  bool fail(const refs::ObjectName &name, const segment::Verdict &verdict);

  // A sealed object with the bytes of an error (tasks/task_spec.h), for a verdict to name as its cause. Nothing: no
  // room. REQUIRES: whoever wants it kept contains it before the next batch is freed.
  std::optional<refs::ObjectName> seal_error(std::span<const std::byte> bytes);

  // --- deaths --------------------------------------------------------------------------------------------------------
  // Step d of the reaper for at most `count` entries of a dead client, after its ring was drained and its task judged.
  // What it left unsettled is failed and added to `failed`. False: it had no more.
  bool settle_entries_of(std::uint32_t client, std::int32_t pid, std::uint32_t count,
                         std::vector<refs::ObjectName> *failed);
  // Steps f and g for `count` rows from the first-th on. Returns where to go on, 0 at the end. `row_offsets` are the
  // raylet's own notes of its row chunks.
  std::uint64_t clear_rows(std::uint32_t client, std::span<const std::uint64_t> row_offsets, std::uint64_t first,
                           std::uint32_t count);
  // How many rows clear_rows() has found in use since the last call.
  std::uint64_t take_references_cleared() { return std::exchange(references_cleared_, 0); }
  // Rule 3: clears the bits of a reaped client in entries [first, first + count), in case a stray store had damaged its
  // rows, and finds what it dropped without telling. Returns where to go on; 0 when it is through.
  std::uint32_t sweep(std::uint32_t client, std::uint32_t first, std::uint32_t count);

  // --- looking -------------------------------------------------------------------------------------------------------
  bool is_entry(std::uint32_t entry) const { return entry < index_.size(); }
  // Starts to fetch what we know of it, and its header. Anything may be asked for.
  void prefetch(std::uint32_t entry) const {
    if (!is_entry(entry)) return;
    __builtin_prefetch(&index_[entry], 1);
    segment_.prefetch_entry(entry);
  }
  EntryIndex &index() { return index_; }
  segment::Segment &segment() { return segment_; }
  std::uint64_t word_of(std::uint32_t entry) const {
    return segment_.entry(entry).state.load(std::memory_order_acquire);
  }
  bool is_named(const refs::ObjectName &name) const {
    return is_entry(name.entry) && refs::names(word_of(name.entry), name.generation);
  }
  StoreFigures figures() const;
  // How many objects each client holds, by client id. Looks at every entry.
  std::vector<std::uint64_t> held_counts() const;
  // "1 GiB in all, 900 MiB in use: pid 12 holds 800 MiB in 3 objects; ..." with the largest holders first.
  std::string describe_holders(const std::function<std::string(std::uint32_t)> &name_of_client) const;

 private:
  bool reserve_more_entries();
  bool reserve_data();
  void publish_block_bytes();
  std::optional<objects::Block> allocate_block(std::uint32_t size_class, std::uint64_t bytes);
  bool withdraw(std::uint32_t entry);
  bool take_from_creator(const refs::ObjectName &name);
  bool clear_bits(std::uint32_t client, std::uint32_t entry);
  bool bind_block(std::uint32_t entry, std::uint32_t size_class, std::uint64_t bytes);
  void free_entry(std::uint32_t entry);
  std::uint64_t block_bytes_of(std::uint32_t entry) const;
  std::uint64_t last_used_ns(std::uint32_t entry) const;
  void set_retained(std::uint32_t entry, segment::Retained why, bool on);
  void forget_retention(std::uint32_t entry);
  bool is_victim(std::uint32_t entry, std::uint64_t *flagged);
  void note_victim(const refs::ObjectName &name, std::uint32_t retained, std::uint64_t bytes);
  bool can_outlive(const refs::ObjectName &name);
  struct Condemned;
  void note_nesting(std::uint32_t container, const refs::ObjectName &inner);
  std::vector<std::vector<std::uint32_t>> find_unreachable() const;
  bool is_root(std::uint32_t entry, std::span<const std::uint64_t> masks) const;
  std::vector<std::uint32_t> entries_in_rows(std::span<const std::uint64_t> row_offsets) const;
  std::vector<std::uint32_t> contents_of(std::uint32_t container) const;
  void flag_group(Condemned *group);
  void cancel_group(const Condemned &group);
  Freed free_group(const Condemned &group, const Report &report);
  void recycle(std::uint32_t entry);
  bool flag_candidate(std::uint32_t entry, std::uint64_t *flagged);
  bool flag(std::uint32_t entry, std::uint64_t *flagged);
  void settle_or_take_back(std::uint32_t client, const segment::Verdict &verdict,
                           std::vector<refs::ObjectName> *failed);
  objects::EvictionFacts facts_of(std::uint32_t entry) const;

  segment::Segment &segment_;
  const refs::EventLog log_;
  objects::Blocks blocks_;
  std::uint64_t reserved_bytes_ = 0;  // of the data region
  EntryIndex index_;
  std::vector<std::uint32_t> free_entries_;
  std::unordered_map<std::uint32_t, std::vector<refs::ObjectName>> contained_;
  objects::EvictionPolicy policy_;
  objects::RetainedOrder retained_order_;
  objects::WeakHolders weak_holders_;
  refs::NameTable names_;
  std::unordered_set<std::uint32_t> nesting_;  // containers of more than buffers
  std::uint64_t containers_made_ = 0;          // of those, since the session began
  std::uint64_t containers_seen_ = 0;          // before the last mark pass
  std::uint64_t groups_rescued_ = 0;           // by whoever came while their verdict was under way
  std::uint64_t evictions_ = 0;
  std::uint64_t evicted_bytes_ = 0;
  std::uint64_t freed_ = 0;
  std::uint64_t retired_ = 0;
  std::uint64_t references_cleared_ = 0;
  static constexpr std::uint32_t kNotWithdrawing = ~0u;
  std::uint32_t withdraw_next_ = kNotWithdrawing;  // entry
  std::vector<std::uint64_t> freed_actors_;
  std::vector<std::uint32_t> batch_;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> flagged_;
};

}  // namespace mobula::raylet
