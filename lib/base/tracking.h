// base/tracking.h: whether this build writes down who makes, takes and runs what.
//   Process    MOBULA_NO_TRACKING is defined for a whole tree (meson -Dtracking=false), to measure what it costs
#pragma once

namespace mobula::base {

#ifdef MOBULA_NO_TRACKING
constexpr bool kTracking = false;
#else
constexpr bool kTracking = true;
#endif

}  // namespace mobula::base
