// objects/figures.h: how many handles, references, pins and bytes there are, read from the segment.
//   Threads    any process, while all others run; reads the segment only, and asks nobody
//   Crash      every word may be damaged: numbers are checked before they are used as a place or a count
//   Errors     exact when nothing runs. Else each number was true at some moment of the call, and numbers that belong
//              together may be of different moments. A saturated count (rule 40) is given as it stands, 2^31 or more
//   Cost       of one object: O(rows of the processes that hold it). Of the store: O(entries + rows)
#pragma once

#include <optional>

#include "mobula/runtime.h"
#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::objects {

// Nothing when there is no such object any more.
std::optional<runtime::RefCount> count_references(const segment::Segment &segment, const refs::ObjectName &name);

runtime::StoreStats read_store_stats(const segment::Segment &segment);

}  // namespace mobula::objects
