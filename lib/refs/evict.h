// refs/evict.h: the steps E1..E8 of freeing one entry, and of settling one for a dead client. Raylet only,
// but for is_referenced.
//   Threads    the raylet's thread; races with takes and rescues of any client (rules 7 to 12)
//   Crash      the raylet's death ends the segment
//   Cost       two CASes and one load per live group and set
#pragma once

#include <cstdint>

#include "refs/state_word.h"
#include "segment/segment.h"

namespace mobula::refs {

// E1, E3: sets EVICTING on a settled entry. False: not settled, or it changed under our hands. `flagged` gets the word.
bool begin_evict(segment::EntryHeader &header, std::uint64_t *flagged);
// E4: any holder or pin, in any live group? Any process may look.
bool is_referenced(const segment::Segment &segment, std::uint32_t entry, std::uint32_t groups);
// Backs out of begin_evict. A rescuer may have done it already.
void cancel_evict(segment::EntryHeader &header, std::uint64_t flagged);
// E7: (EVICTING, g) -> (FREE, g + 1). False: rescued. REQUIRES: every ring was drained since the look (rule 13).
bool finish_evict(segment::EntryHeader &header, std::uint64_t flagged);

// Settles an unsettled object as FAILED with the raylet as its writer, over PENDING or CREATING of anybody. False: it
// is settled, or of another generation. REQUIRES: the verdict fields are written before.
bool fail(segment::EntryHeader &header, std::uint64_t generation);
// A dead worker's CREATING result becomes PENDING again, for a retry. False: it was settled before.
bool reopen(segment::EntryHeader &header, std::uint64_t generation, std::uint32_t dead_writer);

}  // namespace mobula::refs
