// Sizes and offsets of everything in the segment, and numbers that both sides of it must agree on: one line each, so
// that a failure shows what moved. A change here is a change of the layout: raise kLayoutVersion, then accept it.
#include "segment/layout.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <sstream>
#include <string>

#include "golden/golden.h"
#include "objects/size_classes.h"
#include "refs/state_word.h"
#include "tasks/claim.h"

namespace mobula::segment {
namespace {

#define SIZE(type) text << "sizeof " #type " " << sizeof(type) << "\n"
#define FIELD(type, field) text << #type "." #field " " << offsetof(type, field) << "\n"
#define NUMBER(value) text << #value " " << static_cast<std::uint64_t>(value) << "\n"

void add_header(std::ostream &text) {
  SIZE(SegmentHeader);
  FIELD(SegmentHeader, magic);
  FIELD(SegmentHeader, layout_version);
  FIELD(SegmentHeader, layout_fingerprint);
  FIELD(SegmentHeader, segment_bytes);
  FIELD(SegmentHeader, capacity_bytes);
  FIELD(SegmentHeader, epoch);
  FIELD(SegmentHeader, entries_max);
  FIELD(SegmentHeader, raylet_pid);
  FIELD(SegmentHeader, regions);
  FIELD(SegmentHeader, started_ns);
  FIELD(SegmentHeader, life);
  FIELD(SegmentHeader, raylet_sleeping);
  FIELD(SegmentHeader, pressure);
  FIELD(SegmentHeader, entries_reserved);
  FIELD(SegmentHeader, groups_live);
  FIELD(SegmentHeader, block_bytes);
  FIELD(SegmentHeader, data_reserved_bytes);
  FIELD(SegmentHeader, rows_reserved_bytes);
  FIELD(SegmentHeader, clients_reserved);
  FIELD(SegmentHeader, names_reserved);
  FIELD(SegmentHeader, largest_free_bytes);
  FIELD(SegmentHeader, freed);
  FIELD(SegmentHeader, evicted_bytes);
  FIELD(SegmentHeader, evictions);
  FIELD(SegmentHeader, hits_of_gone);
  FIELD(SegmentHeader, misses_of_gone);
  SIZE(Regions);
  FIELD(Regions, clients);
  FIELD(Regions, rings);
  FIELD(Regions, rows);
  FIELD(Regions, names);
  FIELD(Regions, victims);
  FIELD(Regions, entries);
  FIELD(Regions, groups);
  FIELD(Regions, data);
}

void add_entry(std::ostream &text) {
  SIZE(EntryHeader);
  FIELD(EntryHeader, state);
  FIELD(EntryHeader, holders);
  FIELD(EntryHeader, pins);
  FIELD(EntryHeader, waiters);
  FIELD(EntryHeader, claim);
  FIELD(EntryHeader, offset);
  FIELD(EntryHeader, capacity_bytes);
  FIELD(EntryHeader, raylet_refs);
  FIELD(EntryHeader, retained);
  FIELD(EntryHeader, size);
  FIELD(EntryHeader, format);
  FIELD(EntryHeader, kind);
  FIELD(EntryHeader, creator_pid);
  FIELD(EntryHeader, site);
  FIELD(EntryHeader, created_ns);
  FIELD(EntryHeader, verdict);
  FIELD(EntryHeader, last_taken_ns);
  FIELD(EntryHeader, contained);
  FIELD(EntryHeader, group);
  FIELD(EntryHeader, inline_bytes);
  SIZE(Verdict);
  FIELD(Verdict, code);
  FIELD(Verdict, pid);
  FIELD(Verdict, process_end);
  FIELD(Verdict, cause_entry);
  FIELD(Verdict, cause_generation);
  FIELD(Verdict, function);
  SIZE(ForwardTarget);
  FIELD(ForwardTarget, generation);
  FIELD(ForwardTarget, entry);
}

void add_names(std::ostream &text) {
  SIZE(NameRecord);
  FIELD(NameRecord, next_plus_1);
  FIELD(NameRecord, entry);
  FIELD(NameRecord, generation);
  FIELD(NameRecord, length_bytes);
  FIELD(NameRecord, hash);
  FIELD(NameRecord, text);
  SIZE(Victim);
  FIELD(Victim, number);
  FIELD(Victim, generation);
  FIELD(Victim, entry);
  FIELD(Victim, retained);
  FIELD(Victim, bytes);
  FIELD(Victim, evicted_ns);
}

void add_client(std::ostream &text) {
  SIZE(Row);
  FIELD(Row, count);
  FIELD(Row, entry_plus_1);
  FIELD(Row, generation);
  FIELD(Row, since_ms);
  FIELD(Row, site);
  FIELD(Row, pins);
  FIELD(Row, shared);
  SIZE(RingSlot);
  FIELD(RingSlot, kind);
  FIELD(RingSlot, count);
  FIELD(RingSlot, words);
  SIZE(RingControl);
  FIELD(RingControl, tail);
  FIELD(RingControl, head);
  SIZE(ClientSlot);
  FIELD(ClientSlot, generation);
  FIELD(ClientSlot, pid);
  FIELD(ClientSlot, kind);
  FIELD(ClientSlot, row_chunks);
  FIELD(ClientSlot, row_offsets);
  FIELD(ClientSlot, bell);
  FIELD(ClientSlot, sleepers);
  FIELD(ClientSlot, room_waiters);
  FIELD(ClientSlot, hints_lost);
  FIELD(ClientSlot, reaping);
  FIELD(ClientSlot, hits);
  FIELD(ClientSlot, misses);
  FIELD(ClientSlot, to_raylet);
  FIELD(ClientSlot, grants);
  FIELD(ClientSlot, offers);
  SIZE(ClientRings);
  FIELD(ClientRings, to_raylet);
  FIELD(ClientRings, grants);
  FIELD(ClientRings, offers);
}

void add_numbers(std::ostream &text) {
  NUMBER(kMagic);
  NUMBER(kLayoutVersion);
  NUMBER(layout_fingerprint());
  NUMBER(base::kClientsMax);
  NUMBER(base::kClientsPerGroup);
  NUMBER(base::kEntriesMax);
  NUMBER(base::kEntriesPerChunk);
  NUMBER(base::kRowsPerFirstChunk);
  NUMBER(base::kRowPoolBytes);
  NUMBER(Kind::kValue);
  NUMBER(Kind::kForward);
  NUMBER(Kind::kError);
  NUMBER(Kind::kSpec);
  NUMBER(Kind::kBuffer);
  NUMBER(ClientKind::kDriver);
  NUMBER(ClientKind::kWorker);
  NUMBER(Retained::kNamed);
  NUMBER(Retained::kWeak);
  NUMBER(Retained::kAsked);
  NUMBER(base::kNamesMax);
  NUMBER(base::kNameBuckets);
  NUMBER(base::kNameBytesMax);
  NUMBER(base::kVictimsKept);
  NUMBER(refs::pack(refs::State::kPending, 2, 3));
  NUMBER(refs::pack(refs::State::kCreating, 2, 3));
  NUMBER(refs::pack(refs::State::kSealed, 2, 3));
  NUMBER(refs::pack(refs::State::kFailed, 2, 3) | refs::kEvictingFlag);
  NUMBER(tasks::pack_claim(tasks::Claim::kOffered, 2, 3));
  NUMBER(tasks::pack_claim(tasks::Claim::kRunning, 2, 3));
  for (objects::SizeClass size_class = 0; size_class < objects::classes_count(); ++size_class) {
    text << "block_bytes " << size_class << " " << objects::block_bytes(size_class) << "\n";
  }
}

TEST_SUITE("golden/layout") {
  TEST_CASE("the layout of the segment is the stored one, line by line") {
    std::ostringstream text;
    add_header(text);
    add_entry(text);
    add_names(text);
    add_client(text);
    add_numbers(text);
    std::istringstream now(text.str());
    std::istringstream expected(golden::stored("layout.txt", text.str()));
    std::string now_line;
    std::string expected_line;
    std::size_t lines = 0;
    while (std::getline(expected, expected_line)) {
      std::getline(now, now_line);
      CHECK(now_line == expected_line);
      now_line.clear();
      ++lines;
    }
    CHECK_FALSE(std::getline(now, now_line));
    CHECK(lines > 100);
  }
}

}  // namespace
}  // namespace mobula::segment
