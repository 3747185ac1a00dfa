// refs/row_table.h: the rows of this process's handle table, given out and taken back.
//   Layout     chunks of segment::Row, the first kRowsPerFirstChunk rows, each next twice as many
//   Threads    thread-safe; private to the process that owns the table
//   Cost       one uncontended lock
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/atomic.h"
#include "segment/layout.h"

namespace mobula::refs {

constexpr std::uint32_t rows_in_chunk(std::uint32_t chunk) { return base::kRowsPerFirstChunk << chunk; }
constexpr std::uint32_t rows_before_chunk(std::uint32_t chunk) {
  return base::kRowsPerFirstChunk * ((1u << chunk) - 1);
}

constexpr std::uint32_t chunk_of_row(std::uint32_t row) {
  return static_cast<std::uint32_t>(std::bit_width(row / base::kRowsPerFirstChunk + 1) - 1);
}

class RowTable {
 public:
  // Adds the next chunk. REQUIRES: its rows are reserved and zero.
  void add_chunk(segment::Row *rows);
  std::uint32_t chunks() const;

  static constexpr std::uint32_t kNone = 0xffffffffu;
  // The number of an unused row; kNone when another chunk is needed first.
  std::uint32_t allocate();
  // REQUIRES: the row's hint is cleared.
  void release(std::uint32_t number);
  segment::Row &row(std::uint32_t number) const;
  // Rows allocated and not released.
  std::size_t in_use() const;

 private:
  mutable base::Mutex mutex_;
  segment::Row *chunks_[base::kRowChunksMax] = {};
  std::uint32_t chunks_count_ = 0;
  std::uint32_t never_used_ = 0;
  std::vector<std::uint32_t> free_;
};

}  // namespace mobula::refs
