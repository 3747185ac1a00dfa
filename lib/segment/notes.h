// segment/notes.h: writes and reads one record of a ring that has one writer and any readers.
//   Layout     a record with a word `number`; all its other fields are atomic, too
//   Threads    one writer at a time; readers of any process, while it writes
//   Crash      a record whose writer died in it has the number 0, and is not read
//   Cost       no locked instruction
#pragma once

#include "base/atomic.h"

namespace mobula::segment {

// `fill` stores the other fields, relaxed. REQUIRES: number is not 0.
template <typename Record, typename Fill>
void write_note(Record &record, std::uint64_t number, Fill fill) {
  // 0 meanwhile: a reader that finds the new number finds all of it.
  record.number.store(0, std::memory_order_relaxed);
  base::thread_fence(std::memory_order_release);
  fill();
  record.number.store(number, std::memory_order_release);
}

// `read` loads the other fields, relaxed. False: it was overwritten meanwhile, or before.
template <typename Record, typename Read>
bool read_note(const Record &record, std::uint64_t number, Read read) {
  if (record.number.load(std::memory_order_acquire) != number) return false;
  read();
  base::thread_fence(std::memory_order_acquire);
  return record.number.load(std::memory_order_relaxed) == number;
}

}  // namespace mobula::segment
