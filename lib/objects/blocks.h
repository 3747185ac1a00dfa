// objects/blocks.h: hands out the blocks that hold object bytes.
//   Layout     a block of 16 KiB or more has an extent of its own. Smaller ones share a slab: one extent cut into equal
//              blocks of one size class, 32 KiB or 8 blocks, so 96 KiB at most. When space is short a slab is as small
//              as one block, so no request fails for want of a whole slab.
//   Threads    thread-bound
//   Process    raylet-only; hands out offsets and never touches the bytes
//   Ownership  a block belongs to the caller from allocate to release
//   Errors     no space or no such class: nullopt; an offset that is no block in use (it may come from a hostile
//              client): false or 0
//   Cost       O(log n) in the number of extents; a full store looks through the classes once more; no system call
//   Bounds     of fragmentation, with 90 % in use by objects of random sizes and lifetimes that come and go for ever:
//              docs/limits.md, asserted by tests/objects/churn_test.cc
// Slabs that are partly free are filled first, beginning with the one that was full last; inside a slab the block
// released last goes out first. One wholly free slab a class is kept, and given back before an allocation fails.
// What objects/extents.h says about reserving memory holds here for allocate, release and trim.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "objects/extents.h"
#include "objects/size_classes.h"

namespace mobula::objects {

inline constexpr std::uint64_t kSlabBytesMin = std::uint64_t{32} << 10;
inline constexpr std::uint64_t kSlabBlocksMin = 8;
// From here on blocks share nothing: page ranges of different sizes pack better than slabs that are half full.
inline constexpr std::uint64_t kOwnExtentBytesMin = std::uint64_t{16} << 10;
// One small survivor holds no more than this.
inline constexpr std::uint64_t kSlabBytesMax = kSlabBlocksMin * (kOwnExtentBytesMin - kPageBytes);

struct Block {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // of the whole block, not of the payload
  friend bool operator==(const Block &, const Block &) = default;
};

class Blocks {
 public:
  // Manages the whole pages of [0, capacity_bytes).
  explicit Blocks(std::uint64_t capacity_bytes) : extents_(capacity_bytes) {}
  // Slabs are known by address inside.
  Blocks(const Blocks &) = delete;
  Blocks &operator=(const Blocks &) = delete;

  // A block of a class with fixed blocks (1 to classes_count() - 1). Nullopt: no space, or another class.
  [[nodiscard]] std::optional<Block> allocate(SizeClass size_class);

  // A block of `bytes` rounded up to whole pages, in an extent of its own. Nullopt: no space, or 0 bytes.
  [[nodiscard]] std::optional<Block> allocate_large(std::uint64_t bytes);

  // A block for a payload: of its class, or, where only the rounding of the class is in the way, of whole pages. So
  // whatever is not larger than the largest free range fits. Nullopt: no space, or 0 bytes.
  [[nodiscard]] std::optional<Block> allocate_for(std::uint64_t payload_bytes);

  // Takes a block back. False, with nothing changed, unless a block in use begins at `offset`.
  [[nodiscard]] bool release(std::uint64_t offset);

  // Gives the kept free slabs back, then lowers the high-water mark as Extents::trim does and returns it.
  std::uint64_t trim();

  // Bytes of the block in use that begins at `offset`; 0 if there is none.
  [[nodiscard]] std::uint64_t block_bytes_at(std::uint64_t offset) const;

  [[nodiscard]] std::uint64_t capacity_bytes() const { return extents_.capacity_bytes(); }
  // Bytes of all blocks in use, each with its rounding.
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_; }
  // Memory has to be reserved up to here.
  [[nodiscard]] std::uint64_t high_water_bytes() const { return extents_.high_water_bytes(); }
  // The most that one allocate can get now; the kept free slabs may lie in the midst of it.
  [[nodiscard]] std::uint64_t largest_free_bytes() const;
  // Read only, for reports: what slabs hold counts as used there.
  [[nodiscard]] const Extents &extents() const { return extents_; }

 private:
  struct Slab {
    Slab(Extent extent_in, SizeClass size_class_in, std::uint64_t block_bytes_in, std::size_t blocks_count);
    [[nodiscard]] bool is_full() const { return free.empty(); }
    [[nodiscard]] bool is_empty() const { return free.size() == used.size(); }
    // Which block in use begins at this offset of the region, if one does.
    [[nodiscard]] std::optional<std::size_t> used_block_at(std::uint64_t offset) const;

    Extent extent;
    SizeClass size_class;
    std::uint64_t block_bytes;
    std::vector<bool> used;                  // by block
    std::vector<std::uint16_t> free;         // blocks; the back goes out next
    std::list<Slab *>::iterator open_place;  // in the open slabs of its class; meaningless while full
  };

  std::optional<Block> allocate_alone(std::uint64_t bytes);
  bool release_alone(std::uint64_t offset);
  std::optional<Extent> allocate_extent(std::uint64_t bytes);
  Slab *add_slab(SizeClass size_class);
  void remove_slab(Slab &slab);
  Block take_block(Slab &slab);
  void settle_empty(Slab &slab);
  // Free ones, by offset: at most one a class.
  [[nodiscard]] std::vector<Extent> kept_slabs() const;
  // Returns whether there was any.
  bool return_empty_slabs();
  // The slab whose extent includes `offset`, or null.
  [[nodiscard]] Slab *slab_around(std::uint64_t offset) const;

  Extents extents_;
  std::uint64_t used_bytes_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Slab>> slabs_;  // by offset; other extents in use are one block each
  // Slabs with a free block, by class; the front is filled first, an empty one is at the back.
  std::array<std::list<Slab *>, classes_count() + 1> open_slabs_;
};

}  // namespace mobula::objects
