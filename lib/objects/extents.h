// objects/extents.h: which page ranges of the data region are in use.
//   Layout     extents are whole 4 KiB pages of [0, capacity): used, warm (free, handed out before) or fresh (never
//              handed out). Fresh space is all space above the high-water mark. Free neighbours are always one range.
//   Threads    thread-bound
//   Process    raylet-only; hands out offsets and never touches the bytes
//   Ownership  an extent belongs to the caller from allocate to release
//   Errors     no space: nullopt; an extent that was never handed out or was released: false; nothing changes then
//   Cost       O(log n) in the number of free ranges; no system call
// The caller reserves memory up to high_water_bytes() after each allocate and before anybody writes to the extent. If
// that fails it releases the extent and trims: the mark is then back where memory was reserved.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace mobula::objects {

struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Extent &, const Extent &) = default;
};

class Extents {
 public:
  // Manages the whole pages of [0, capacity_bytes); a last broken page is left out.
  explicit Extents(std::uint64_t capacity_bytes);

  // A range of at least `bytes`, rounded up to whole pages. Warm before fresh, because the first touch of a page costs
  // twenty times a later one; among warm ranges the best fit, among equals the one released last. Nullopt if no free
  // range holds it, or for 0 bytes.
  [[nodiscard]] std::optional<Extent> allocate(std::uint64_t bytes);

  // Takes an extent back; it stays warm. False unless exactly this extent is in use.
  [[nodiscard]] bool release(Extent extent);

  // Forgets that the free range just below the high-water mark is warm: the mark falls to its start and is returned.
  // The caller may give the memory above it back to the system. Space and its reuse are otherwise unchanged.
  std::uint64_t trim();

  // All sizes in bytes, O(1).
  [[nodiscard]] std::uint64_t capacity_bytes() const { return capacity_bytes_; }
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_; }
  [[nodiscard]] std::uint64_t free_bytes() const { return capacity_bytes_ - used_bytes_; }
  // The end of the highest extent ever handed out since the last trim.
  [[nodiscard]] std::uint64_t high_water_bytes() const { return high_water_bytes_; }
  // The most that one allocate can get now.
  [[nodiscard]] std::uint64_t largest_free_bytes() const;
  // Of the free range that ends at `offset`, and of the one that begins there; 0 if there is none.
  [[nodiscard]] std::uint64_t free_bytes_before(std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t free_bytes_after(std::uint64_t offset) const;
  // Of the extent in use that begins at `offset`; 0 if there is none.
  [[nodiscard]] std::uint64_t used_bytes_at(std::uint64_t offset) const;

 private:
  struct WarmRange {
    std::uint64_t bytes;
    std::uint64_t rank;   // lower: released later
    bool warmest_at_end;  // which end the last release added to
  };
  using WarmRanges = std::map<std::uint64_t, WarmRange>;  // by offset

  // Sorted so that lower_bound({bytes}) is the best fit, and the warmest of that size.
  struct SizeKey {
    std::uint64_t bytes;
    std::uint64_t rank = 0;
    std::uint64_t offset = 0;
    friend auto operator<=>(const SizeKey &, const SizeKey &) = default;
  };

  std::optional<Extent> take_warm(std::uint64_t bytes);
  std::optional<Extent> take_fresh(std::uint64_t bytes);
  void add_warm(std::uint64_t offset, const WarmRange &range);
  WarmRange remove_warm(WarmRanges::iterator position);
  // Start of the free space that reaches the end of the region: warm pages below the mark, then all fresh ones.
  [[nodiscard]] std::uint64_t tail_offset() const;

  std::uint64_t capacity_bytes_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t high_water_bytes_ = 0;
  std::uint64_t next_rank_ = std::numeric_limits<std::uint64_t>::max();
  WarmRanges warm_;
  std::set<SizeKey> warm_by_size_;
  std::unordered_map<std::uint64_t, std::uint64_t> used_;  // offset to bytes
};

}  // namespace mobula::objects
