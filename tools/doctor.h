// tools/doctor.h: the segment of a running session, found without an answer of its raylet.
//   Process    through /proc of the raylet, so a raylet that was stopped by a signal or hangs is examined all the same
//   Errors     conditions as Status: the process belongs to somebody else, it ended meanwhile, another layout
//   Cost       one look at each descriptor of the raylet
#pragma once

#include <memory>

#include "base/error.h"
#include "objects/audit.h"
#include "segment/segment.h"

namespace mobula::tools {

Status open_segment_of(int raylet_pid, std::unique_ptr<segment::Segment> *segment);

// The audit, with time between its looks for steps in progress. kRayletDied: the session ended meanwhile.
Status examine(int raylet_pid, objects::Audit *audit);

}  // namespace mobula::tools
