#include "objects/blocks.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mobula::objects {
namespace {

constexpr std::uint64_t slab_blocks_count(std::uint64_t block_bytes) {
  return std::max(kSlabBytesMin / block_bytes, kSlabBlocksMin);
}

static_assert(slab_blocks_count(kSmallestBlockBytes) <= UINT16_MAX, "block numbers are 16 bits");
static_assert(slab_blocks_count(kOwnExtentBytesMin - kPageBytes) * (kOwnExtentBytesMin - kPageBytes) <= kSlabBytesMax);
static_assert(kSlabBytesMin <= kSlabBytesMax);

}  // namespace

Blocks::Slab::Slab(Extent extent_in, SizeClass size_class_in, std::uint64_t block_bytes_in, std::size_t blocks_count)
    : extent(extent_in), size_class(size_class_in), block_bytes(block_bytes_in), used(blocks_count, false) {
  free.reserve(blocks_count);
  for (std::size_t block = blocks_count; block > 0; --block) free.push_back(static_cast<std::uint16_t>(block - 1));
}

std::optional<std::size_t> Blocks::Slab::used_block_at(std::uint64_t offset) const {
  const std::uint64_t distance = offset - extent.offset;
  if (distance % block_bytes != 0) return std::nullopt;
  const std::size_t block = distance / block_bytes;
  if (block >= used.size() || !used[block]) return std::nullopt;
  return block;
}

std::optional<Block> Blocks::allocate(SizeClass size_class) {
  if (block_bytes(size_class) == 0) return std::nullopt;
  if (block_bytes(size_class) >= kOwnExtentBytesMin) return allocate_alone(block_bytes(size_class));
  const std::list<Slab *> &open = open_slabs_[size_class];
  Slab *slab = open.empty() ? add_slab(size_class) : open.front();
  if (slab == nullptr) return std::nullopt;
  return take_block(*slab);
}

std::optional<Block> Blocks::allocate_large(std::uint64_t bytes) { return allocate_alone(bytes); }

std::optional<Block> Blocks::allocate_for(std::uint64_t payload_bytes) {
  if (payload_bytes == 0) return std::nullopt;
  const SizeClass size_class = std::max(class_of(payload_bytes), SizeClass{1});
  const std::optional<Block> block = allocate(size_class);
  return block ? block : allocate_large(payload_bytes);
}

bool Blocks::release(std::uint64_t offset) {
  Slab *around = slab_around(offset);
  if (around == nullptr) return release_alone(offset);
  Slab &slab = *around;
  const std::optional<std::size_t> block = slab.used_block_at(offset);
  if (!block) return false;
  std::list<Slab *> &open = open_slabs_[slab.size_class];
  if (slab.is_full()) slab.open_place = open.insert(open.begin(), &slab);
  slab.used[*block] = false;
  slab.free.push_back(static_cast<std::uint16_t>(*block));
  used_bytes_ -= slab.block_bytes;
  if (slab.is_empty()) settle_empty(slab);
  return true;
}

std::uint64_t Blocks::trim() {
  return_empty_slabs();
  return extents_.trim();
}

std::uint64_t Blocks::largest_free_bytes() const {
  std::uint64_t largest_bytes = extents_.largest_free_bytes();
  std::uint64_t run_bytes = 0;  // kept slabs and free ranges in one piece
  std::uint64_t run_end = 0;
  for (const Extent &kept : kept_slabs()) {
    if (run_end != kept.offset) run_bytes = extents_.free_bytes_before(kept.offset);
    const std::uint64_t end = kept.offset + kept.bytes;
    const std::uint64_t after_bytes = extents_.free_bytes_after(end);
    run_bytes += kept.bytes + after_bytes;
    run_end = end + after_bytes;
    largest_bytes = std::max(largest_bytes, run_bytes);
  }
  return largest_bytes;
}

std::vector<Extent> Blocks::kept_slabs() const {
  std::vector<Extent> kept;
  for (const std::list<Slab *> &open : open_slabs_) {
    if (!open.empty() && open.back()->is_empty()) kept.push_back(open.back()->extent);
  }
  std::sort(kept.begin(), kept.end(), [](const Extent &a, const Extent &b) { return a.offset < b.offset; });
  return kept;
}

std::uint64_t Blocks::block_bytes_at(std::uint64_t offset) const {
  const Slab *slab = slab_around(offset);
  if (slab == nullptr) return extents_.used_bytes_at(offset);
  return slab->used_block_at(offset) ? slab->block_bytes : 0;
}

std::optional<Block> Blocks::allocate_alone(std::uint64_t bytes) {
  const std::optional<Extent> extent = allocate_extent(bytes);
  if (!extent) return std::nullopt;
  used_bytes_ += extent->bytes;
  return Block{extent->offset, extent->bytes};
}

// REQUIRES: no slab is around `offset`.
bool Blocks::release_alone(std::uint64_t offset) {
  const Extent extent{offset, extents_.used_bytes_at(offset)};
  if (!extents_.release(extent)) return false;
  used_bytes_ -= extent.bytes;
  return true;
}

std::optional<Extent> Blocks::allocate_extent(std::uint64_t bytes) {
  std::optional<Extent> extent = extents_.allocate(bytes);
  if (!extent && return_empty_slabs()) extent = extents_.allocate(bytes);
  return extent;
}

// Null if not even one block fits.
Blocks::Slab *Blocks::add_slab(SizeClass size_class) {
  const std::uint64_t bytes = block_bytes(size_class);
  std::uint64_t blocks_count = slab_blocks_count(bytes);
  std::optional<Extent> extent = allocate_extent(blocks_count * bytes);
  if (!extent) {
    blocks_count = std::min(blocks_count, extents_.largest_free_bytes() / bytes);
    extent = extents_.allocate(blocks_count * bytes);
  }
  if (!extent) return nullptr;
  auto slab = std::make_unique<Slab>(*extent, size_class, bytes, blocks_count);
  Slab *added = slabs_.emplace(extent->offset, std::move(slab)).first->second.get();
  std::list<Slab *> &open = open_slabs_[size_class];
  added->open_place = open.insert(open.begin(), added);
  return added;
}

void Blocks::remove_slab(Slab &slab) {
  open_slabs_[slab.size_class].erase(slab.open_place);
  const Extent extent = slab.extent;
  slabs_.erase(extent.offset);
  static_cast<void>(extents_.release(extent));  // ours since add_slab, so it cannot be refused
}

Block Blocks::take_block(Slab &slab) {
  const std::size_t block = slab.free.back();
  slab.free.pop_back();
  slab.used[block] = true;
  used_bytes_ += slab.block_bytes;
  if (slab.is_full()) open_slabs_[slab.size_class].erase(slab.open_place);
  return Block{slab.extent.offset + block * slab.block_bytes, slab.block_bytes};
}

// Keeps one empty slab a class, so that a count going up and down across a slab's edge does not move extents.
void Blocks::settle_empty(Slab &slab) {
  std::list<Slab *> &open = open_slabs_[slab.size_class];
  const bool another_is_kept = open.back() != &slab && open.back()->is_empty();
  if (another_is_kept) {
    remove_slab(slab);
  } else {
    open.splice(open.end(), open, slab.open_place);
  }
}

bool Blocks::return_empty_slabs() {
  bool any = false;
  for (const std::list<Slab *> &open : open_slabs_) {
    if (open.empty() || !open.back()->is_empty()) continue;
    remove_slab(*open.back());
    any = true;
  }
  return any;
}

Blocks::Slab *Blocks::slab_around(std::uint64_t offset) const {
  const auto next = slabs_.upper_bound(offset);
  if (next == slabs_.begin()) return nullptr;
  Slab *slab = std::prev(next)->second.get();
  return offset - slab->extent.offset < slab->extent.bytes ? slab : nullptr;
}

}  // namespace mobula::objects
