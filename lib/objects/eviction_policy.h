// objects/eviction_policy.h: which entries to look at next for freeing, and what may be freed. Pure.
//   Threads    thread-bound (the raylet)
//   Errors     none
//   Cost       O(1) per suggestion; a scan looks at a bounded number of entries per batch
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "refs/state_word.h"

namespace mobula::objects {

// What decides about one entry; the raylet reads it afresh from the segment and from its own index.
struct EvictionFacts {
  refs::State state = refs::State::kFree;
  bool held = false;    // by any client
  bool pinned = false;  // by any client
  std::uint32_t raylet_refs = 0;
  bool retained = false;  // named, weakly held, or on request
};

// Freed at once when nobody refers to it: no holder, no pin, no raylet reference, not retained, settled.
constexpr bool may_free(const EvictionFacts &facts) {
  return refs::is_settled(facts.state) && !facts.held && !facts.pinned && facts.raylet_refs == 0 && !facts.retained;
}
// What the eviction pass may take under pressure: the same, retained or not.
constexpr bool is_evictable(const EvictionFacts &facts) {
  return refs::is_settled(facts.state) && !facts.held && !facts.pinned && facts.raylet_refs == 0;
}

class EvictionPolicy {
 public:
  // A releaser's hint, or a reference that the raylet gave up: the entry may be free now. Known ones are not doubled.
  void suggest(std::uint32_t entry) {
    if (entry >= suggested_.size()) suggested_.resize(entry + 1);
    if (suggested_[entry]) return;
    suggested_[entry] = true;
    ++suggestions_;
    queue_.push_back(entry);
  }
  // Hints were lost: look at every entry once, a few at a time.
  void request_scan() { scan_left_ = ~0u; }

  bool has_work() const { return work() != 0; }
  // How many entries are still to be looked at.
  std::uint64_t work() const { return queue_.size() + scan_left_; }
  // How many suggestions have come, and how many of them, oldest first, next_batch has handed out since.
  std::uint64_t suggestions() const { return suggestions_; }
  std::uint64_t suggestions_taken() const { return suggestions_ - queue_.size(); }

  // Replaces `batch` by at most `batch_max` entries to look at: suggestions first, then the scan's next ones.
  void next_batch(std::uint32_t entries_reserved, std::size_t batch_max, std::vector<std::uint32_t> *batch) {
    batch->clear();
    while (!queue_.empty() && batch->size() < batch_max) {
      batch->push_back(queue_.front());
      suggested_[queue_.front()] = false;
      queue_.pop_front();
    }
    if (scan_left_ > entries_reserved) scan_left_ = entries_reserved;
    while (scan_left_ != 0 && batch->size() < batch_max) {
      if (scan_next_ >= entries_reserved) scan_next_ = 0;
      batch->push_back(scan_next_++);
      --scan_left_;
    }
  }

 private:
  std::deque<std::uint32_t> queue_;
  std::vector<bool> suggested_;
  std::uint64_t suggestions_ = 0;
  std::uint32_t scan_next_ = 0;
  std::uint32_t scan_left_ = 0;
};

}  // namespace mobula::objects
