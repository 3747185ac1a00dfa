// objects/audit_world.h: a small segment as a raylet leaves it, with two clients that are played by the test.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "objects/audit.h"
#include "refs/test_client.h"
#include "refs/waiters.h"

namespace mobula::objects {

constexpr std::uint32_t kAnna = 1;
constexpr std::uint32_t kBert = 2;
constexpr std::uint32_t kClientsEnd = 4;  // client 3 has been there, and ended
constexpr std::uint64_t kDataReservedBytes = 64u << 10;
constexpr std::uint64_t kRowsBytes = sizeof(segment::Row) * base::kRowsPerFirstChunk;

struct AuditWorld {
  AuditWorld() {
    for (std::uint32_t id = 1; id < kClientsEnd; ++id) {
      REQUIRE(segment->reserve_client(id) == nullptr);
      segment::ClientSlot &slot = segment->client(id);
      slot.generation.store(1);
      if (id > kBert) continue;
      slot.pid = 100 + id;
      slot.kind = id == kAnna ? segment::ClientKind::kDriver : segment::ClientKind::kWorker;
      slot.row_chunks = 1;
      slot.row_offsets[0] = segment->regions().rows + kRowsBytes * id;
    }
    REQUIRE(segment->reserve_entries(base::kEntriesPerChunk) == nullptr);
    REQUIRE(segment->reserve(segment->regions().rows, kRowsBytes * kClientsEnd) == nullptr);
    REQUIRE(segment->reserve(segment->data_position(0), kDataReservedBytes) == nullptr);
    header().rows_reserved_bytes.store(kRowsBytes * kClientsEnd);
    header().data_reserved_bytes.store(kDataReservedBytes);
    header().raylet_sleeping.store(1);
  }

  segment::SegmentHeader &header() { return segment->header(); }
  segment::EntryHeader &entry(std::uint32_t number) { return segment->entry(number); }
  // What the raylet does when it binds a block to a free entry.
  void bind(std::uint32_t number, std::uint64_t offset, std::uint64_t bytes) {
    entry(number).offset = offset;
    entry(number).capacity_bytes = bytes;
    header().block_bytes.fetch_add(bytes);
  }
  // "ledger: text" of each problem.
  std::vector<std::string> problems() const {
    std::vector<std::string> texts;
    for (const Problem &problem : audit(*segment).problems)
      texts.push_back(std::string(name_of(problem.ledger)) + ": " + problem.text);
    return texts;
  }
  // Everything that is wrong, on one line each.
  std::string wrong() const {
    std::string text;
    for (const std::string &problem : problems()) text += (text.empty() ? "" : "\n") + problem;
    return text;
  }

  std::unique_ptr<segment::Segment> segment = segment::create_segment();
  refs::TestClient anna{*segment, kAnna};
  refs::TestClient bert{*segment, kBert};
};

}  // namespace mobula::objects
