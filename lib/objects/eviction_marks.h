// objects/eviction_marks.h: when the eviction pass frees retained objects ahead of need, and how much. Pure.
//   Threads    thread-bound (the raylet)
//   Cost       O(1)
// Two marks, so that a store near one of them does not evict with every put: above the upper one it begins, at the
// lower one it ends.
#pragma once

#include <cstdint>

namespace mobula::objects {

class EvictionMarks {
 public:
  // REQUIRES: below_percent <= above_percent <= 100.
  EvictionMarks(std::uint64_t capacity_bytes, std::uint32_t above_percent, std::uint32_t below_percent)
      : above_bytes_(share(capacity_bytes, above_percent)), below_bytes_(share(capacity_bytes, below_percent)) {}

  // How many bytes to free now; 0: none.
  std::uint64_t excess_bytes(std::uint64_t used_bytes) {
    is_evicting_ = is_evicting_ ? used_bytes > below_bytes_ : used_bytes > above_bytes_;
    return is_evicting_ ? used_bytes - below_bytes_ : 0;
  }
  // There was nothing to evict: it begins anew at the upper mark.
  void rest() { is_evicting_ = false; }

 private:
  // Without overflow, and exact for whole percents of large stores.
  static constexpr std::uint64_t share(std::uint64_t bytes, std::uint32_t percent) {
    return bytes / 100 * percent + bytes % 100 * percent / 100;
  }
  std::uint64_t above_bytes_;
  std::uint64_t below_bytes_;
  bool is_evicting_ = false;
};

}  // namespace mobula::objects
