#include "objects/footprint.h"

#include <algorithm>

namespace mobula::objects {
namespace {

constexpr int kLooksMax = 1000;  // the raylet publishes within microseconds, unless it was stopped just there

constexpr std::uint64_t round_to_pages(std::uint64_t bytes) {
  return (bytes + segment::kPageBytes - 1) / segment::kPageBytes * segment::kPageBytes;
}

ReservedWords read_words(const segment::Segment &segment) {
  const segment::SegmentHeader &header = segment.header();
  ReservedWords words;
  words.entries = std::min(header.entries_reserved.load(), base::kEntriesMax);
  words.groups = std::min(header.groups_live.load(), base::kGroupsMax);
  words.clients = std::min(header.clients_reserved.load(), base::kClientsMax);
  words.names = std::min(header.names_reserved.load(), base::kNamesMax);
  words.rows_bytes = std::min(header.rows_reserved_bytes.load(), base::kRowPoolBytes);
  words.data_bytes = std::min(header.data_reserved_bytes.load(), segment.capacity_bytes());
  return words;
}

}  // namespace

RegionBytes region_bytes(const ReservedWords &words, std::uint32_t log_records) {
  const std::uint64_t clients = words.clients == 0 ? 0 : words.clients - 1;  // id 0 has no slot
  const std::uint64_t arrays = words.groups == 0 ? 0 : segment::kSetsCount * (words.groups - 1);
  RegionBytes bytes;
  bytes.slots = clients == 0 ? 0 : round_to_pages(sizeof(segment::ClientSlot) * words.clients);
  bytes.rings = sizeof(segment::ClientRings) * clients;
  bytes.rows = words.rows_bytes;
  if (words.names != 0) bytes.names = segment::kNameBucketsBytes + sizeof(segment::NameRecord) * words.names;
  bytes.log = segment::log_bytes(log_records);
  bytes.entries = sizeof(segment::EntryHeader) * words.entries;
  bytes.groups = sizeof(segment::Word) * words.entries * arrays;
  bytes.data = round_to_pages(words.data_bytes);
  return bytes;
}

Footprint read_footprint(const segment::Segment &segment, std::uint64_t blocks_bytes, std::uint64_t pooled_bytes) {
  Footprint footprint;
  footprint.capacity_bytes = segment.capacity_bytes();
  RegionBytes regions;
  for (int look = 0; look < kLooksMax; ++look) {
    regions = region_bytes(read_words(segment), segment.log_records());
    footprint.kernel_bytes = segment.kernel_bytes();
    if (footprint.kernel_bytes == regions.tables() + regions.data) break;
  }
  // Blocks that changed hands while they were counted may have been counted twice.
  footprint.blocks_bytes = std::min(blocks_bytes, regions.data);
  footprint.pooled_bytes = std::min(pooled_bytes, regions.data - footprint.blocks_bytes);
  footprint.free_bytes = regions.data - footprint.blocks_bytes - footprint.pooled_bytes;
  footprint.tables_bytes = regions.tables();
  return footprint;
}

}  // namespace mobula::objects
