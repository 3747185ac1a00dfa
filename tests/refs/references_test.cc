#include "refs/references.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "refs/test_client.h"
#include "support/child.h"

namespace mobula::refs {
namespace {

using Take = References::Take;
using Release = References::Release;

struct World {
  std::unique_ptr<segment::Segment> segment = create_segment_with_entries();
  TestClient anna{*segment, 1};
  TestClient bert{*segment, 2};

  std::uint64_t word(std::uint32_t entry) const { return segment->entry(entry).state.load(); }
};

TEST_SUITE("refs/references") {
  TEST_CASE("a created object is held by its creator, settled once, and named by entry and generation") {
    World world;
    segment::Row *const row = world.anna.references.open(7);
    REQUIRE(row != nullptr);
    CHECK(world.anna.holds(7));
    CHECK(row->entry_plus_1.load() == 8);
    CHECK(row->count.load() == 1);
    REQUIRE(world.anna.references.begin(*row, State::kCreating));
    CHECK(world.word(7) == pack(State::kCreating, 1, 0));
    REQUIRE(world.anna.references.settle(*row, State::kSealed));
    CHECK(world.word(7) == pack(State::kSealed, 1, 0));
    CHECK_FALSE(world.anna.references.settle(*row, State::kFailed));
    CHECK(References::name_of(*row) == ObjectName{7, 0});
  }

  TEST_CASE("a pending result has the raylet as its writer and cannot be settled by who asked for it") {
    World world;
    segment::Row *const row = world.anna.references.open(7);
    REQUIRE(world.anna.references.begin(*row, State::kPending));
    CHECK(world.word(7) == pack(State::kPending, kRayletWriter, 0));
    CHECK_FALSE(world.anna.references.settle(*row, State::kSealed));
  }

  TEST_CASE("a slot that the raylet took back cannot be begun") {
    World world;
    segment::Row *const row = world.anna.references.open(7);
    world.segment->entry(7).state.store(pack(State::kFree, kRayletWriter, 1));
    CHECK_FALSE(world.anna.references.begin(*row, State::kCreating));
    std::uint32_t entry = 0;
    CHECK(world.anna.references.release_shared(*row, &entry) == Release::kLast);
    CHECK(entry == 7);
    CHECK_FALSE(world.anna.holds(7));
  }

  TEST_CASE("handles of one process share a row and a bit; the last one clears both") {
    World world;
    segment::Row &row = world.anna.put(3);
    segment::Row *first = nullptr;
    segment::Row *second = nullptr;
    REQUIRE(world.bert.references.take({3, 0}, &first) == Take::kTaken);
    REQUIRE(world.bert.references.take({3, 0}, &second) == Take::kTaken);
    CHECK(first == second);
    References::copy(*first);
    CHECK(first->count.load() == 3);
    CHECK(world.bert.references.rows_in_use() == 1);
    CHECK(world.segment->entry(3).holders.load() == (world.anna.bit() | world.bert.bit()));
    CHECK(world.bert.release(*first) == Release::kHeld);
    CHECK(world.bert.release(*first) == Release::kHeld);
    CHECK(world.bert.holds(3));
    CHECK(world.bert.release(*first) == Release::kLast);
    CHECK_FALSE(world.bert.holds(3));
    CHECK(first->entry_plus_1.load() == 0);
    CHECK(first->count.load() == 0);
    CHECK(world.bert.references.rows_in_use() == 0);
    CHECK(world.anna.holds(3));
    CHECK(row.count.load() == 1);
  }

  TEST_CASE("a stale, future or free name cannot be taken, and the attempt leaves no trace") {
    World world;
    segment::Row &row = world.anna.put(3);
    References::share(row);
    CHECK(world.anna.release(row) == Release::kLast);
    REQUIRE(try_free(*world.segment, 3));
    CHECK(world.word(3) == pack(State::kFree, kRayletWriter, 1));
    segment::Row &next = world.anna.put(3);
    for (const ObjectName name : {ObjectName{3, 0}, ObjectName{3, 2}, ObjectName{4, 0}}) {
      segment::Row *taken = nullptr;
      CHECK(world.bert.references.take(name, &taken) == Take::kGone);
      CHECK(taken == nullptr);
      CHECK_FALSE(world.bert.holds(name.entry));
    }
    CHECK(world.bert.references.rows_in_use() == 0);
    // Also in the process that holds the new tenant: its own bit survives the undo (rule 4).
    segment::Row *taken = nullptr;
    CHECK(world.anna.references.take({3, 0}, &taken) == Take::kGone);
    CHECK(world.anna.holds(3));
    CHECK(next.count.load() == 1);
    CHECK(world.anna.references.take({3, 1}, &taken) == Take::kTaken);
  }

  TEST_CASE("without a free row a take does nothing") {
    World world;
    world.anna.put(3);
    while (world.bert.references.rows().allocate() != RowTable::kNone) {
    }
    segment::Row *taken = nullptr;
    CHECK(world.bert.references.take({3, 0}, &taken) == Take::kNoRow);
    CHECK_FALSE(world.bert.holds(3));
    CHECK(world.bert.references.open(9) == nullptr);
    CHECK_FALSE(world.bert.holds(9));
  }

  TEST_CASE("an entry that nobody was told of is recycled: next generation, same row, bit and count") {
    World world;
    segment::Row &row = world.anna.put(5);
    std::uint32_t entry = 0;
    REQUIRE(world.anna.references.release(row, &entry) == Release::kRecycled);
    CHECK(entry == 5);
    CHECK(world.word(5) == pack(State::kFree, kRayletWriter, 1));
    CHECK(world.anna.holds(5));
    CHECK(row.count.load() == 1);
    CHECK(References::name_of(row) == ObjectName{5, 1});
    segment::Row *taken = nullptr;
    CHECK(world.anna.references.take({5, 0}, &taken) == Take::kGone);
    CHECK(world.anna.references.take({5, 1}, &taken) == Take::kGone);
    CHECK(row.count.load() == 1);
    CHECK(world.anna.holds(5));
    REQUIRE(world.anna.references.begin(row, State::kCreating));
    REQUIRE(world.anna.references.settle(row, State::kSealed));
    CHECK(world.word(5) == pack(State::kSealed, 1, 1));
  }

  TEST_CASE("an object that somebody was told of is never recycled") {
    World world;
    segment::Row &row = world.anna.put(5);
    References::share(row);
    CHECK(world.anna.release(row) == Release::kLast);
    CHECK(world.word(5) == pack(State::kSealed, 1, 0));
    segment::Row *taken = nullptr;
    REQUIRE(world.bert.references.take({5, 0}, &taken) == Take::kTaken);
    CHECK(world.bert.release(*taken) == Release::kLast);
    CHECK(world.word(5) == pack(State::kSealed, 1, 0));
  }

  TEST_CASE("release_shared recycles nothing") {
    World world;
    segment::Row &row = world.anna.put(5);
    std::uint32_t entry = 0;
    CHECK(world.anna.references.release_shared(row, &entry) == Release::kLast);
    CHECK(world.word(5) == pack(State::kSealed, 1, 0));
    CHECK_FALSE(world.anna.holds(5));
  }

  TEST_CASE("a private object that is under eviction is not recycled but given up") {
    World world;
    segment::Row &row = world.anna.put(5);
    std::uint64_t flagged = 0;
    REQUIRE(begin_evict(world.segment->entry(5), &flagged));
    CHECK(world.anna.release(row) == Release::kLast);
    CHECK(finish_evict(world.segment->entry(5), flagged));
  }

  TEST_CASE("an aborted creation goes back to the free list, unless the raylet failed it before") {
    World world;
    segment::Row *row = world.anna.references.open(6);
    REQUIRE(world.anna.references.begin(*row, State::kCreating));
    CHECK(world.anna.references.abandon(*row));
    CHECK(world.word(6) == pack(State::kFree, kRayletWriter, 1));
    CHECK(world.anna.holds(6));
    REQUIRE(world.anna.references.begin(*row, State::kCreating));
    REQUIRE(fail(world.segment->entry(6), 1));
    CHECK_FALSE(world.anna.references.abandon(*row));
    CHECK_FALSE(world.anna.references.settle(*row, State::kSealed));
    CHECK(world.word(6) == pack(State::kFailed, kRayletWriter, 1));
  }

  TEST_CASE("a pin keeps its object without other handles and is taken off once for each pin") {
    World world;
    segment::Row &row = world.anna.put(4);
    References::share(row);
    CHECK_FALSE(world.anna.references.unpin(row));
    world.anna.references.pin(row);
    world.anna.references.pin(row);
    CHECK(row.count.load() == 3);
    CHECK(world.anna.pins(4));
    CHECK(world.anna.release(row) == Release::kHeld);
    CHECK_FALSE(try_free(*world.segment, 4));
    REQUIRE(world.anna.references.unpin(row));
    CHECK(world.anna.pins(4));
    CHECK(world.anna.release(row) == Release::kHeld);
    REQUIRE(world.anna.references.unpin(row));
    CHECK_FALSE(world.anna.pins(4));
    CHECK_FALSE(world.anna.references.unpin(row));
    CHECK(world.anna.release(row) == Release::kLast);
    CHECK(try_free(*world.segment, 4));
  }

  TEST_CASE("clients of the second group use words of their own") {
    World world;
    REQUIRE(world.segment->reserve_groups(2) == nullptr);
    TestClient far(*world.segment, base::kClientsPerGroup + 1);
    segment::Row &row = world.anna.put(4);
    References::share(row);
    segment::Row *taken = nullptr;
    REQUIRE(far.references.take({4, 0}, &taken) == Take::kTaken);
    CHECK(far.holds(4));
    CHECK(world.segment->entry(4).holders.load() == world.anna.bit());
    CHECK(world.anna.release(row) == Release::kLast);
    CHECK_FALSE(try_free(*world.segment, 4));
    CHECK(far.release(*taken) == Release::kLast);
    CHECK(try_free(*world.segment, 4));
  }

  TEST_CASE("another process sees bits and objects, and its own are seen here") {
    World world;
    References::share(world.anna.put(8));
    segment::Segment &segment = *world.segment;
    const std::uint64_t rows_offset = segment.regions().rows + sizeof(segment::Row) * base::kRowsPerFirstChunk * 2;
    support::Child child([&segment, rows_offset] {
      std::unique_ptr<segment::Segment> own;
      if (segment::Segment::attach(segment::duplicate(segment.descriptor()), &own) != nullptr) _exit(2);
      References references(*own, 2);
      references.rows().add_chunk(own->rows(rows_offset));
      segment::Row *row = nullptr;
      if ((own->entry(8).holders.load() & 2) == 0) _exit(3);
      if (references.take({8, 0}, &row) != Take::kTaken) _exit(4);
      _exit(0);  // as a killed one: the bit stays
    });
    REQUIRE(child.wait().exit_code == 0);
    CHECK(world.bert.holds(8));
    CHECK(world.bert.rows[0].entry_plus_1.load() == 9);
    CHECK(world.bert.rows[0].count.load() == 1);
  }
}

TEST_SUITE("refs/evict") {
  TEST_CASE("only a settled entry without holders is freed, and its generation goes on") {
    World world;
    segment::Row *const row = world.anna.references.open(2);
    CHECK_FALSE(try_free(*world.segment, 2));
    REQUIRE(world.anna.references.begin(*row, State::kCreating));
    CHECK_FALSE(try_free(*world.segment, 2));
    References::share(*row);
    REQUIRE(world.anna.references.settle(*row, State::kFailed));
    CHECK_FALSE(try_free(*world.segment, 2));
    CHECK(world.word(2) == pack(State::kFailed, 1, 0));
    CHECK(world.anna.release(*row) == Release::kLast);
    CHECK(try_free(*world.segment, 2));
    CHECK(world.word(2) == pack(State::kFree, kRayletWriter, 1));
    CHECK_FALSE(try_free(*world.segment, 2));
  }

  TEST_CASE("a take under eviction rescues the object: it keeps its state, and the verdict fails") {
    for (const State state : {State::kSealed, State::kFailed}) {
      World world;
      segment::Row *const row = world.anna.references.open(2);
      REQUIRE(world.anna.references.begin(*row, State::kCreating));
      REQUIRE(world.anna.references.settle(*row, state));
      std::uint32_t entry = 0;
      REQUIRE(world.anna.references.release_shared(*row, &entry) == Release::kLast);
      std::uint64_t flagged = 0;
      REQUIRE(begin_evict(world.segment->entry(2), &flagged));
      CHECK(is_evicting(world.word(2)));
      CHECK_FALSE(begin_evict(world.segment->entry(2), &flagged));
      CHECK_FALSE(is_referenced(*world.segment, 2, 1));
      segment::Row *taken = nullptr;
      REQUIRE(world.bert.references.take({2, 0}, &taken) == Take::kTaken);
      CHECK(world.word(2) == pack(state, 1, 0));
      CHECK_FALSE(finish_evict(world.segment->entry(2), flagged));
      cancel_evict(world.segment->entry(2), flagged);
      CHECK(world.word(2) == pack(state, 1, 0));
    }
  }

  TEST_CASE("a stale take under eviction does not disturb it") {
    World world;
    world.segment->entry(2).state.store(pack(State::kFree, kRayletWriter, 9));
    segment::Row &row = world.anna.put(2);
    std::uint32_t entry = 0;
    REQUIRE(world.anna.references.release_shared(row, &entry) == Release::kLast);
    std::uint64_t flagged = 0;
    REQUIRE(begin_evict(world.segment->entry(2), &flagged));
    segment::Row *taken = nullptr;
    CHECK(world.bert.references.take({2, 8}, &taken) == Take::kGone);
    CHECK(finish_evict(world.segment->entry(2), flagged));
  }

  TEST_CASE("backing out leaves the object as it was") {
    World world;
    world.anna.put(2);
    std::uint64_t flagged = 0;
    REQUIRE(begin_evict(world.segment->entry(2), &flagged));
    CHECK(is_referenced(*world.segment, 2, 1));
    cancel_evict(world.segment->entry(2), flagged);
    CHECK(world.word(2) == pack(State::kSealed, 1, 0));
  }

  TEST_CASE("the raylet fails what is unsettled, of that generation, once") {
    World world;
    segment::EntryHeader &header = world.segment->entry(2);
    CHECK_FALSE(fail(header, 0));
    header.state.store(pack(State::kPending, kRayletWriter, 4));
    CHECK_FALSE(fail(header, 3));
    CHECK(fail(header, 4));
    CHECK(world.word(2) == pack(State::kFailed, kRayletWriter, 4));
    CHECK_FALSE(fail(header, 4));
    header.state.store(pack(State::kCreating, 77, 5));
    CHECK(fail(header, 5));
    header.state.store(pack(State::kSealed, 77, 6));
    CHECK_FALSE(fail(header, 6));
  }

  TEST_CASE("a result that a dead worker was at is pending again; another's, a settled or a newer one is not touched") {
    World world;
    segment::EntryHeader &header = world.segment->entry(2);
    header.state.store(pack(State::kCreating, 77, 5));
    CHECK_FALSE(reopen(header, 5, 78));
    CHECK_FALSE(reopen(header, 4, 77));
    CHECK(reopen(header, 5, 77));
    CHECK(world.word(2) == pack(State::kPending, kRayletWriter, 5));
    CHECK(reopen(header, 5, 77));
    header.state.store(pack(State::kSealed, 77, 5));
    CHECK_FALSE(reopen(header, 5, 77));
  }
}

}  // namespace
}  // namespace mobula::refs
