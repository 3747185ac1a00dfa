// objects/retained_order.h: the objects that only the eviction pass frees and that nobody refers to, least recently
// taken first. Pure.
//   Threads    thread-bound (the raylet)
//   Errors     none: any time is a place in the order, also one that a client made up
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
  // Puts the entry in its place, anew if it had one. `taken_ns` is when it was taken or made last, `bytes` what its
  // eviction gives back.
  void note(std::uint32_t entry, std::uint64_t taken_ns, std::uint64_t bytes) {
    erase(entry);
    if (entry >= places_.size()) places_.resize(entry + 1);
    places_[entry] = {taken_ns, bytes, true};
    bytes_ += bytes;
    order_.emplace(taken_ns, entry);
    if (bytes != 0) with_bytes_.emplace(taken_ns, entry);
  }
  void erase(std::uint32_t entry) {
    if (!knows(entry)) return;
    Place &place = places_[entry];
    bytes_ -= place.bytes;
    order_.erase({place.taken_ns, entry});
    with_bytes_.erase({place.taken_ns, entry});
    place.is_known = false;
  }
  // Takes the first out, of those that give bytes back or of all; nullopt: it knows none. Whether it may still be freed
  // is the caller's to find out.
  std::optional<std::uint32_t> pop(bool needs_bytes) {
    const Order &order = needs_bytes ? with_bytes_ : order_;
    if (order.empty()) return std::nullopt;
    const std::uint32_t entry = order.begin()->second;
    erase(entry);
    return entry;
  }
  bool knows(std::uint32_t entry) const { return entry < places_.size() && places_[entry].is_known; }
  bool empty() const { return order_.empty(); }
  std::size_t size() const { return order_.size(); }
  // What all of them together give back.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Place {
    std::uint64_t taken_ns = 0;
    std::uint64_t bytes = 0;
    bool is_known = false;
  };
  using Order = std::set<std::pair<std::uint64_t, std::uint32_t>>;
  Order order_;
  Order with_bytes_;
  std::uint64_t bytes_ = 0;
  std::vector<Place> places_;  // by entry
};

}  // namespace mobula::objects
