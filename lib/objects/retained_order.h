// objects/retained_order.h: the objects that only the eviction pass frees and that nobody refers to, least recently
// taken first. Pure.
//   Threads    thread-bound (the raylet)
//   Cost       O(log n) in the objects that it knows
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "segment/layout.h"

namespace mobula::objects {

class RetainedOrder {
 public:
  // Puts the entry in its place, anew if it had one. `taken_ns` is when it was taken or made last.
  void note(std::uint32_t entry, std::uint64_t taken_ns) {
    erase(entry);
    if (entry >= places_.size()) places_.resize(entry + 1, kAbsent);
    places_[entry] = taken_ns;
    order_.emplace(taken_ns, entry);
  }
  void erase(std::uint32_t entry) {
    if (!knows(entry)) return;
    order_.erase({places_[entry], entry});
    places_[entry] = kAbsent;
  }
  // Takes the first out; nullopt: it knows none. Whether it may still be freed is the caller's to find out.
  std::optional<std::uint32_t> pop() {
    if (order_.empty()) return std::nullopt;
    const std::uint32_t entry = order_.begin()->second;
    erase(entry);
    return entry;
  }
  bool knows(std::uint32_t entry) const { return entry < places_.size() && places_[entry] != kAbsent; }
  bool empty() const { return order_.empty(); }
  std::size_t size() const { return order_.size(); }

 private:
  static constexpr std::uint64_t kAbsent = ~0ull;
  std::set<std::pair<std::uint64_t, std::uint32_t>> order_;
  std::vector<std::uint64_t> places_;  // by entry
};

}  // namespace mobula::objects
