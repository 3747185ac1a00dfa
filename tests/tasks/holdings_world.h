// tasks/holdings_world.h: a segment as the raylet prepares it, with two clients and whatever a case puts into it.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "refs/state_word.h"
#include "segment/segment.h"
#include "tasks/holdings.h"
#include "tasks/task_spec.h"

namespace mobula::tasks {

constexpr std::uint32_t kDriver = 3;   // client ids
constexpr std::uint32_t kSecond = 70;  // a worker, of the second group
constexpr std::uint32_t kDriverPid = 300;
constexpr std::uint32_t kSecondPid = 700;
constexpr std::int64_t kNowNs = 1000 * base::kNanosecondsPerSecond;
constexpr std::uint64_t kGeneration = 0x0102;

struct HoldingsWorld {
  HoldingsWorld() {
    std::string notice;
    REQUIRE(segment::Segment::create(std::uint64_t{1} << 20, &segment, &notice) == nullptr);
    REQUIRE(segment->reserve_entries(1) == nullptr);
    for (std::uint32_t id = 1; id <= kSecond; ++id) REQUIRE(segment->reserve_client(id) == nullptr);
    REQUIRE(segment->reserve(segment->regions().rows, 2 * kRowsBytes) == nullptr);
    segment->header().rows_reserved_bytes.store(2 * kRowsBytes);
    segment->header().started_ns = kNowNs - 100 * base::kNanosecondsPerSecond;
    segment->header().epoch = 0x0504030201;
    attach(kDriver, kDriverPid, segment::ClientKind::kDriver, 0);
    attach(kSecond, kSecondPid, segment::ClientKind::kWorker, kRowsBytes);
  }

  void attach(std::uint32_t id, std::uint32_t pid, segment::ClientKind kind, std::uint64_t rows_at) {
    segment::ClientSlot &slot = segment->client(id);
    slot.pid = pid;
    slot.kind = kind;
    slot.row_chunks = 1;
    slot.row_offsets[0] = segment->regions().rows + rows_at;
  }
  segment::EntryHeader &put(std::uint32_t entry, refs::State state, segment::Kind kind, std::uint64_t size,
                            std::uint32_t writer = kDriver) {
    segment::EntryHeader &header = segment->entry(entry);
    header.offset = segment::kInlineOffset;
    header.kind = kind;
    header.size = size;
    header.creator_pid = kDriverPid;
    header.site = 7;
    header.created_ns = kNowNs - base::kNanosecondsPerSecond;
    header.state.store(refs::pack(state, writer, kGeneration));
    return header;
  }
  // The client's handles of the entry: bit and row.
  segment::Row &hold(std::uint32_t entry, std::uint32_t client, std::uint32_t handles) {
    segment->set_word(segment::Set::kHolders, client / base::kClientsPerGroup, entry)
        .fetch_or(1ull << client % base::kClientsPerGroup);
    segment::Row &row = segment->rows(segment->client(client).row_offsets[0])[next_row_++];
    row.count.store(handles);
    row.generation.store(kGeneration);
    row.entry_plus_1.store(entry + 1);
    return row;
  }
  // A task that the raylet has taken, of function 5. Each spec has a page of its own.
  segment::EntryHeader &submit(std::uint32_t entry, std::span<const ArgumentToEncode> arguments) {
    const std::span<const std::byte> bytes = encode_spec(5, 1, arguments);
    segment::EntryHeader &spec = put(entry, refs::State::kSealed, segment::Kind::kSpec, bytes.size());
    spec.offset = std::uint64_t{entry} * segment::kPageBytes;
    std::memcpy(segment->writable(spec.offset, bytes.size()), bytes.data(), bytes.size());
    spec.raylet_refs.store(1);
    return spec;
  }
  Holdings read() const { return read_holdings(*segment, kNowNs); }

  std::unique_ptr<segment::Segment> segment;

 private:
  static constexpr std::uint64_t kRowsBytes = sizeof(segment::Row) * base::kRowsPerFirstChunk;
  std::uint32_t next_row_ = 0;
};

}  // namespace mobula::tasks
