// objects/client_rows.h: the handle rows of other processes, read while they change and whatever their words say.
//   Layout     chunks of segment::Row; which ones a client has stands in its slot
//   Threads    any process; reads the segment only
//   Crash      a damaged number is never used as a place or a count
//   Cost       O(rows of the client)
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "refs/row_table.h"
#include "segment/segment.h"

namespace mobula::objects {

// A plain word of others, which may change under our hands: read once, in the order of the program.
template <typename Type>
Type read_once(const Type &word) {
  Type value;
  __atomic_load(&word, &value, __ATOMIC_ACQUIRE);
  return value;
}

// A row with a hint, copied.
struct RowCopy {
  std::uint32_t entry = 0;
  std::uint32_t count = 0;
  std::uint32_t pins = 0;
  std::uint32_t since_ms = 0;
  std::uint32_t site = 0;
  std::uint64_t generation = 0;
};

// Nothing when it is unused, or was released meanwhile.
inline std::optional<RowCopy> copy_row(const segment::Row &row) {
  const std::uint32_t entry_plus_1 = row.entry_plus_1.load(std::memory_order_acquire);
  if (entry_plus_1 == 0) return std::nullopt;
  const RowCopy copy{entry_plus_1 - 1,        row.count.load(),    row.pins.load(),
                     read_once(row.since_ms), read_once(row.site), row.generation.load()};
  if (row.entry_plus_1.load() != entry_plus_1) return std::nullopt;
  return copy;
}

// True when that many bytes at `offset` lie within the memory that is reserved for rows.
inline bool are_rows(const segment::Segment &segment, std::uint64_t offset, std::uint64_t bytes,
                     std::uint64_t rows_reserved_bytes) {
  const std::uint64_t begin = segment.regions().rows;
  return offset >= begin && offset % segment::kPageBytes == 0 && offset - begin <= rows_reserved_bytes &&
         bytes <= rows_reserved_bytes - (offset - begin);
}

// How many chunks the client says that it has, at most those that there can be. REQUIRES: client < clients_reserved.
inline std::uint32_t chunks_of(const segment::Segment &segment, std::uint32_t client) {
  const std::uint32_t chunks = read_once(segment.client(client).row_chunks);
  return chunks < base::kRowChunksMax ? chunks : base::kRowChunksMax;
}

// One of them; empty when it does not lie where rows are. REQUIRES: as chunks_of.
inline std::span<const segment::Row> rows_of(const segment::Segment &segment, std::uint32_t client,
                                             std::uint32_t chunk) {
  const std::uint64_t reserved_bytes = segment.header().rows_reserved_bytes.load(std::memory_order_acquire);
  if (reserved_bytes > base::kRowPoolBytes || chunk >= chunks_of(segment, client)) return {};
  const std::uint64_t offset = read_once(segment.client(client).row_offsets[chunk]);
  const std::uint32_t rows_count = refs::rows_in_chunk(chunk);
  if (!are_rows(segment, offset, sizeof(segment::Row) * rows_count, reserved_bytes)) return {};
  return {segment.rows(offset), rows_count};
}

// Calls `action` with a copy of each row of the client that has a hint. REQUIRES: as chunks_of.
template <typename Action>
void for_each_row(const segment::Segment &segment, std::uint32_t client, Action action) {
  const std::uint32_t chunks = chunks_of(segment, client);
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
    for (const segment::Row &row : rows_of(segment, client, chunk)) {
      if (const std::optional<RowCopy> copy = copy_row(row)) action(*copy);
    }
  }
}

}  // namespace mobula::objects
