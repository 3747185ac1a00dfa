// base/atomic.h: the atomics and locks of what several processes or threads share; in one test program the test's own.
//   Layout     exactly those of std: Atomic<T> lies in the segment
//   Process    MOBULA_SCHEDULED_ATOMS is defined for the test program "scheduled" only, which runs every interleaving
//              (tests/support/scheduled_atom.h); a program is compiled with it as a whole or not at all
//   Cost       none: these are aliases
#pragma once

#include <atomic>
#include <mutex>

#include "base/mutex.h"

#ifdef MOBULA_SCHEDULED_ATOMS
#include "support/scheduled_atom.h"
#endif

namespace mobula::base {

#ifdef MOBULA_SCHEDULED_ATOMS
template <typename T>
using Atomic = support::ScheduledAtomic<T>;
using Mutex = support::ScheduledMutex;
inline void thread_fence(std::memory_order order) noexcept { support::scheduled_fence(order); }
#else
template <typename T>
using Atomic = std::atomic<T>;
using Mutex = PrivateMutex;
inline void thread_fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }
#endif

}  // namespace mobula::base
