#include "objects/extents.h"

#include <algorithm>
#include <iterator>

#include "objects/size_classes.h"

namespace mobula::objects {

Extents::Extents(std::uint64_t capacity_bytes) : capacity_bytes_(capacity_bytes / kPageBytes * kPageBytes) {}

std::optional<Extent> Extents::allocate(std::uint64_t bytes) {
  if (bytes == 0 || bytes > capacity_bytes_) return std::nullopt;
  const std::uint64_t wanted_bytes = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  std::optional<Extent> extent = take_warm(wanted_bytes);
  if (!extent) extent = take_fresh(wanted_bytes);
  if (!extent) return std::nullopt;
  used_.emplace(extent->offset, extent->bytes);
  used_bytes_ += extent->bytes;
  return extent;
}

bool Extents::release(Extent extent) {
  const auto found = used_.find(extent.offset);
  if (found == used_.end() || found->second != extent.bytes) return false;
  used_.erase(found);
  used_bytes_ -= extent.bytes;

  WarmRange range{extent.bytes, next_rank_--, false};
  std::uint64_t offset = extent.offset;
  auto next = warm_.lower_bound(offset);
  if (next != warm_.begin()) {
    const auto previous = std::prev(next);
    if (previous->first + previous->second.bytes == offset) {
      offset = previous->first;
      range.bytes += remove_warm(previous).bytes;
      range.warmest_at_end = true;
    }
  }
  if (next != warm_.end() && next->first == extent.offset + extent.bytes) {
    range.bytes += remove_warm(next).bytes;
    range.warmest_at_end = false;
  }
  add_warm(offset, range);
  return true;
}

std::uint64_t Extents::trim() {
  const std::uint64_t offset = tail_offset();
  if (offset < high_water_bytes_) remove_warm(warm_.find(offset));
  high_water_bytes_ = offset;
  return high_water_bytes_;
}

std::uint64_t Extents::largest_free_bytes() const {
  const std::uint64_t tail_bytes = capacity_bytes_ - tail_offset();
  return warm_by_size_.empty() ? tail_bytes : std::max(tail_bytes, warm_by_size_.rbegin()->bytes);
}

std::uint64_t Extents::free_bytes_before(std::uint64_t offset) const {
  const auto next = warm_.lower_bound(offset);
  if (next == warm_.begin()) return 0;
  const auto &[start, range] = *std::prev(next);
  return start + range.bytes == offset ? range.bytes : 0;
}

std::uint64_t Extents::free_bytes_after(std::uint64_t offset) const {
  if (offset == tail_offset()) return capacity_bytes_ - offset;
  const auto found = warm_.find(offset);
  return found == warm_.end() ? 0 : found->second.bytes;
}

std::uint64_t Extents::used_bytes_at(std::uint64_t offset) const {
  const auto found = used_.find(offset);
  return found == used_.end() ? 0 : found->second;
}

std::optional<Extent> Extents::take_warm(std::uint64_t bytes) {
  const auto fit = warm_by_size_.lower_bound(SizeKey{bytes});
  if (fit == warm_by_size_.end()) return std::nullopt;
  const std::uint64_t offset = fit->offset;
  WarmRange range = remove_warm(warm_.find(offset));
  range.bytes -= bytes;
  const bool from_end = range.warmest_at_end;
  if (range.bytes > 0) add_warm(from_end ? offset : offset + bytes, range);
  return Extent{from_end ? offset + range.bytes : offset, bytes};
}

std::optional<Extent> Extents::take_fresh(std::uint64_t bytes) {
  const std::uint64_t offset = tail_offset();
  if (capacity_bytes_ - offset < bytes) return std::nullopt;
  // Too small alone, or take_warm would have taken it: fresh pages make up the rest.
  if (offset < high_water_bytes_) remove_warm(warm_.find(offset));
  high_water_bytes_ = offset + bytes;
  return Extent{offset, bytes};
}

void Extents::add_warm(std::uint64_t offset, const WarmRange &range) {
  warm_.emplace(offset, range);
  warm_by_size_.insert(SizeKey{range.bytes, range.rank, offset});
}

Extents::WarmRange Extents::remove_warm(WarmRanges::iterator position) {
  const WarmRange range = position->second;
  warm_by_size_.erase(SizeKey{range.bytes, range.rank, position->first});
  warm_.erase(position);
  return range;
}

std::uint64_t Extents::tail_offset() const {
  if (warm_.empty()) return high_water_bytes_;
  const auto last = std::prev(warm_.end());
  return last->first + last->second.bytes == high_water_bytes_ ? last->first : high_water_bytes_;
}

}  // namespace mobula::objects
