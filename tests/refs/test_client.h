// refs/test_client.h: a client's references in a test segment, and what a raylet does for it: rows and free entries.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <new>

#include "refs/evict.h"
#include "refs/references.h"
#include "segment/test_segment.h"

namespace mobula::refs {

// The rows of a client id lie where a segment has room for them; `chunk` is counted over all clients of the test.
inline segment::Row *reserve_rows(segment::Segment &segment, std::uint32_t chunk) {
  const std::uint64_t bytes = sizeof(segment::Row) * base::kRowsPerFirstChunk;
  const std::uint64_t offset = segment.regions().rows + bytes * chunk;
  REQUIRE(segment.reserve(offset, bytes) == nullptr);
  segment::Row *const rows = segment.rows(offset);
  for (std::uint32_t i = 0; i < base::kRowsPerFirstChunk; ++i) new (&rows[i]) segment::Row{};
  return rows;
}

struct TestClient {
  TestClient(segment::Segment &segment_in, std::uint32_t id_in)
      : segment(segment_in), id(id_in), rows(reserve_rows(segment_in, id_in)), references(segment_in, id_in) {
    references.rows().add_chunk(rows);
  }

  std::uint64_t bit() const { return 1ull << (id % base::kClientsPerGroup); }
  bool holds(std::uint32_t entry) const { return has_bit(segment::Set::kHolders, entry); }
  bool pins(std::uint32_t entry) const { return has_bit(segment::Set::kPins, entry); }
  bool has_bit(segment::Set set, std::uint32_t entry) const {
    return (segment.set_word(set, id / base::kClientsPerGroup, entry).load() & bit()) != 0;
  }
  // Creates and seals an object in a free entry that is this client's.
  segment::Row &put(std::uint32_t entry) {
    segment::Row *const row = references.open(entry);
    REQUIRE(row != nullptr);
    REQUIRE(references.begin(*row, State::kCreating));
    REQUIRE(references.settle(*row, State::kSealed));
    return *row;
  }
  References::Release release(segment::Row &row) {
    std::uint32_t entry = 0;
    return references.release(row, &entry);
  }

  segment::Segment &segment;
  const std::uint32_t id;
  segment::Row *const rows;
  References references;
};

// What the evictor does with one candidate. True: freed.
inline bool try_free(segment::Segment &segment, std::uint32_t entry) {
  std::uint64_t flagged = 0;
  segment::EntryHeader &header = segment.entry(entry);
  if (!begin_evict(header, &flagged)) return false;
  if (is_referenced(segment, entry, segment.groups_live())) {
    cancel_evict(header, flagged);
    return false;
  }
  return finish_evict(header, flagged);
}

inline std::unique_ptr<segment::Segment> create_segment_with_entries() {
  auto segment = segment::create_segment();
  REQUIRE(segment->reserve_entries(base::kEntriesPerChunk) == nullptr);
  return segment;
}

}  // namespace mobula::refs
