// A segment of this process alone and clients in it, with what a raylet would do for them: rows and free entries.
#pragma once

#include <memory>
#include <new>
#include <string>

#include "micro/operations.h"
#include "refs/references.h"
#include "segment/segment.h"

namespace bench::micro {

using mobula::refs::References;
using mobula::refs::State;
namespace segment = mobula::segment;

inline std::unique_ptr<segment::Segment> make_segment() {
  constexpr std::uint64_t kCapacityBytes = 4 << 20;
  std::unique_ptr<segment::Segment> made;
  std::string notice;
  require(segment::Segment::create(kCapacityBytes, &made, &notice) == nullptr, "no segment");
  require(made->reserve_entries(mobula::base::kEntriesPerChunk) == nullptr, "no entries");
  return made;
}

struct LocalClient {
  LocalClient(segment::Segment &segment_in, std::uint32_t id_in)
      : segment(segment_in), id(id_in), references(segment_in, id_in) {
    const std::uint64_t bytes = sizeof(segment::Row) * mobula::base::kRowsPerFirstChunk;
    const std::uint64_t offset = segment.regions().rows + bytes * id;
    require(segment.reserve(offset, bytes) == nullptr, "no rows");
    segment::Row *const rows = segment.rows(offset);
    for (std::uint32_t i = 0; i < mobula::base::kRowsPerFirstChunk; ++i) new (&rows[i]) segment::Row{};
    references.rows().add_chunk(rows);
  }

  // Creates an object in a free entry; it is not sealed yet.
  segment::Row &begin(std::uint32_t entry) {
    segment::Row *const row = references.open(entry);
    require(row != nullptr && references.begin(*row, State::kCreating), "the entry is not free");
    return *row;
  }
  segment::Row &put(std::uint32_t entry) {
    segment::Row &row = begin(entry);
    require(references.settle(row, State::kSealed), "not sealed");
    return row;
  }

  segment::Segment &segment;
  const std::uint32_t id;
  References references;
};

}  // namespace bench::micro
