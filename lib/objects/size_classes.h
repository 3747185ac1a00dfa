// objects/size_classes.h: which block size holds a payload of so many bytes.
//   Layout   class 0: inline in the entry, up to 112 B | 1..16: 256 B to 3584 B, four steps a doubling |
//            17..20: 1 to 4 pages of 4 KiB | 21..52: 20 KiB to 4 MiB, four steps a doubling | above: large, own extent
//            Blocks are multiples of 64 B, from 4 KiB on of 4 KiB. A block leaves less than a quarter of itself unused,
//            except where the 256 B minimum or the 4 KiB page is coarser: up to 256 B, and 4 KiB to 12 KiB.
//   Threads  pure functions; client and raylet must agree on them, so a change is a change of the segment's layout
//   Errors   none; every argument has an answer
//   Cost     O(1), no table
#pragma once

#include <bit>
#include <cstdint>

#include "segment/layout.h"

namespace mobula::objects {

using SizeClass = std::uint32_t;

using segment::kInlineBytes;
using segment::kPageBytes;
inline constexpr std::uint64_t kSmallestBlockBytes = 256;
inline constexpr std::uint64_t kLargestBlockBytes = std::uint64_t{4} << 20;

inline constexpr SizeClass kInlineClass = 0;

namespace detail {

// Below, steps of a quarter doubling are not whole pages.
inline constexpr std::uint64_t kPagedStepsBytes = 4 * kPageBytes;
inline constexpr SizeClass kPageClass = 17;        // 4 KiB
inline constexpr SizeClass kPagedStepsClass = 20;  // 16 KiB

// Quarter steps above `base_bytes` (a power of two) needed to hold `bytes`. REQUIRES: bytes > base_bytes.
constexpr SizeClass steps_above(std::uint64_t base_bytes, std::uint64_t bytes) {
  const std::uint64_t last = bytes - 1;
  const auto doublings = static_cast<SizeClass>(std::bit_width(last) - std::bit_width(base_bytes));
  const auto quarter = static_cast<SizeClass>((last >> (std::bit_width(last) - 3)) & 3);
  return 4 * doublings + quarter + 1;
}

// The block size that many quarter steps above `base_bytes`.
constexpr std::uint64_t step_bytes(std::uint64_t base_bytes, SizeClass steps) {
  const std::uint64_t doubled = base_bytes << (steps / 4);
  return doubled + (steps % 4) * (doubled / 4);
}

}  // namespace detail

// Classes with a fixed size, class 0 included.
constexpr SizeClass classes_count() {
  return detail::kPagedStepsClass + detail::steps_above(detail::kPagedStepsBytes, kLargestBlockBytes) + 1;
}

// The class of everything above kLargestBlockBytes: an extent of its own, rounded up to whole pages.
inline constexpr SizeClass kLargeClass = classes_count();

// The class whose blocks hold `bytes` with the least waste.
constexpr SizeClass class_of(std::uint64_t bytes) {
  if (bytes <= kInlineBytes) return kInlineClass;
  if (bytes <= kSmallestBlockBytes) return 1;
  if (bytes <= kPageBytes) return 1 + detail::steps_above(kSmallestBlockBytes, bytes);
  if (bytes <= detail::kPagedStepsBytes) {
    return detail::kPageClass + static_cast<SizeClass>((bytes - 1) / kPageBytes);
  }
  if (bytes <= kLargestBlockBytes) {
    return detail::kPagedStepsClass + detail::steps_above(detail::kPagedStepsBytes, bytes);
  }
  return kLargeClass;
}

// Bytes of one block of a class; 0 for a class without fixed blocks: inline, large, or no class at all.
constexpr std::uint64_t block_bytes(SizeClass size_class) {
  if (size_class == kInlineClass || size_class >= classes_count()) return 0;
  if (size_class < detail::kPageClass) return detail::step_bytes(kSmallestBlockBytes, size_class - 1);
  if (size_class < detail::kPagedStepsClass) return (size_class - detail::kPageClass + 1) * kPageBytes;
  return detail::step_bytes(detail::kPagedStepsBytes, size_class - detail::kPagedStepsClass);
}

static_assert(classes_count() == 53);
static_assert(block_bytes(1) == kSmallestBlockBytes && block_bytes(classes_count() - 1) == kLargestBlockBytes);
static_assert(block_bytes(detail::kPageClass) == kPageBytes);
static_assert(block_bytes(detail::kPagedStepsClass) == detail::kPagedStepsBytes);

}  // namespace mobula::objects
