// segment/words.h: the words of the segment that several processes share.
//   Process    lock-free, so that they mean the same in every process
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"

namespace mobula::segment {

constexpr std::size_t kCacheLineBytes = 64;
constexpr std::size_t kPageBytes = 4096;

using Word = base::Atomic<std::uint64_t>;
using Half = base::Atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && Half::is_always_lock_free);

}  // namespace mobula::segment
