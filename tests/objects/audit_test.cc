#include "objects/audit.h"

#include "objects/audit_world.h"

namespace mobula::objects {
namespace {

using refs::ObjectName;
using refs::State;

constexpr std::uint64_t kAnnaBit = 1u << kAnna;
constexpr std::uint64_t kBertBit = 1u << kBert;
constexpr std::uint64_t kEndedBit = 1u << 3;

// The one row that a client has.
std::string row_of_anna(const segment::Row &row, const std::string &what) {
  return "handles: row 0 of client 1 (driver, pid 101) (since " + std::to_string(row.since_ms) + " ms) for " + what;
}

TEST_SUITE("objects/audit") {
  TEST_CASE("a segment that nobody uses is clean, and the kernel has what the raylet reserved") {
    const AuditWorld world;
    const Audit found = audit(*world.segment);
    CHECK(world.wrong() == "");
    CHECK(found.raylet_rests);
    CHECK(found.objects == 0);
    CHECK(found.kernel_bytes == found.reserved_bytes);
    CHECK(found.clients.size() == 2);
  }

  TEST_CASE("held, shared and pinned objects are clean, and counted for each client") {
    AuditWorld world;
    world.bind(5, 4096, 8192);
    segment::Row &row = world.anna.put(5);
    world.anna.references.pin(row);
    segment::Row *taken = nullptr;
    REQUIRE(world.bert.references.take({5, 0}, &taken) == refs::References::Take::kTaken);
    CHECK(world.wrong() == "");
    const Audit found = audit(*world.segment);
    CHECK(found.objects == 1);
    CHECK(found.used_bytes == 8192);
    CHECK(found.clients[0].pid == 101);
    CHECK(found.clients[0].kind == segment::ClientKind::kDriver);
    CHECK(found.clients[0].objects == 1);
    CHECK(found.clients[0].handles == 2);
    CHECK(found.clients[0].pins == 1);
    CHECK(found.clients[1].handles == 1);
    CHECK(found.clients[1].pins == 0);
  }

  TEST_CASE("specs and buffers are counted apart from objects") {
    AuditWorld world;
    for (const std::uint32_t entry : {3u, 4u, 6u}) world.anna.put(entry);
    world.entry(3).kind = segment::Kind::kSpec;
    world.entry(4).kind = segment::Kind::kBuffer;
    const Audit found = audit(*world.segment);
    CHECK(found.objects == 1);
    CHECK(found.specs == 1);
    CHECK(found.buffers == 1);
  }

  TEST_CASE("a pooled entry keeps bit, row and block, and is clean") {
    AuditWorld world;
    world.bind(5, 0, 4096);
    CHECK(world.anna.release(world.anna.put(5)) == refs::References::Release::kRecycled);
    CHECK(world.anna.holds(5));
    CHECK(world.wrong() == "");
    const Audit found = audit(*world.segment);
    CHECK(found.objects == 0);
    CHECK(found.pooled_bytes == 4096);
    CHECK(found.clients[0].handles == 0);
  }

  TEST_CASE("a withdrawn entry has no block any more: it may be another's by now") {
    AuditWorld world;
    world.bind(5, 0, 4096);
    world.anna.release(world.anna.put(5));
    world.entry(5).state.fetch_or(refs::kEvictingFlag);
    world.header().block_bytes.store(0);
    CHECK(world.wrong() == "");
    world.bind(6, 0, 4096);
    CHECK(world.wrong() == "");
  }

  TEST_CASE("a late waiter bit of a living client is clean, on a free entry, too") {
    AuditWorld world;
    refs::set_waiter(*world.segment, kAnna, 9);
    CHECK(world.wrong() == "");
  }

  TEST_CASE("objects that only the raylet refers to, or that it retains, are clean") {
    AuditWorld world;
    for (const std::uint32_t entry : {3u, 4u}) world.anna.references.share(world.anna.put(entry));
    world.entry(3).raylet_refs.store(1);
    world.entry(4).retained = static_cast<std::uint32_t>(segment::Retained::kAsked);
    for (const std::uint32_t number : {0u, 1u}) world.anna.release(world.anna.rows[number]);
    CHECK_FALSE(world.anna.holds(3));
    CHECK(world.wrong() == "");
  }

  TEST_CASE("what the session has pinned is clean; it holds nothing in another way") {
    AuditWorld world;
    refs::References::share(world.anna.put(5));
    world.entry(5).pins.fetch_or(1);
    world.anna.release(world.anna.rows[0]);
    CHECK(world.wrong() == "");
    world.entry(5).holders.fetch_or(1);
    CHECK(world.wrong() == "entries: entry 5 (generation 0, sealed) has the holder bit of the session");
  }

  TEST_CASE("rows and bits of a client that is being reaped are not compared") {
    AuditWorld world;
    world.anna.put(5);
    world.anna.put(6);
    world.entry(5).holders.store(0);
    world.entry(5).raylet_refs.store(1);
    world.anna.rows[1].entry_plus_1.store(0);
    CHECK(world.problems().size() == 2);
    world.segment->client(kAnna).reaping.store(1);
    CHECK(world.wrong() == "");
  }

  TEST_CASE("what the raylet has to free is judged only while it rests") {
    AuditWorld world;
    segment::Row &row = world.anna.put(5);
    world.entry(5).size = 12;
    refs::References::share(row);
    world.anna.release(row);
    const std::string problem =
        "entries: entry 5 (generation 0, sealed) is not freed: nobody holds or pins it, and no task or container "
        "refers "
        "to it; 12 bytes";
    CHECK(world.wrong() == problem);
    SUBCASE("it works") { world.header().raylet_sleeping.store(0); }
    SUBCASE("a message lies in a ring") { world.segment->client(kBert).to_raylet.tail.fetch_add(1); }
    SUBCASE("a hint was lost") { world.segment->client(kBert).hints_lost.store(1); }
    SUBCASE("it reads nothing of an expelled client") { world.segment->client(kAnna).expelled.store(1); }
    CHECK(world.wrong() == "");
  }

  TEST_CASE("an object flagged for freeing that stays is named") {
    AuditWorld world;
    world.anna.put(5);
    world.entry(5).state.fetch_or(refs::kEvictingFlag);
    CHECK(world.wrong() == "entries: entry 5 (generation 0, sealed, evicting) stays flagged although the raylet rests");
  }

  TEST_CASE("a state word that no step makes is named") {
    AuditWorld world;
    SUBCASE("an unknown state") { world.entry(5).state.store(6); }
    SUBCASE("freed by a client") { world.entry(5).state.store(refs::pack(State::kFree, kAnna, 0)); }
    SUBCASE("created by the raylet") { world.entry(5).state.store(refs::pack(State::kCreating, 0, 0)); }
    SUBCASE("pending and evicting") {
      world.entry(5).state.store(refs::pack(State::kPending, 0, 0) | refs::kEvictingFlag);
    }
    world.header().raylet_sleeping.store(0);
    const auto problems = world.problems();
    REQUIRE(!problems.empty());
    CHECK(problems[0].rfind("entries: the state word of entry 5 is 0x", 0) == 0);
  }

  TEST_CASE("a creation that its dead creator will not end is named") {
    AuditWorld world;
    world.entry(5).state.store(refs::pack(State::kCreating, 3, 7));
    world.entry(5).raylet_refs.store(1);
    CHECK(world.wrong() ==
          "entries: entry 5 (generation 7, creating) is being created by client 3 (ended): nobody will settle it");
  }

  TEST_CASE("a free entry with raylet references, a pin or two owners is named") {
    AuditWorld world;
    SUBCASE("raylet references") {
      world.entry(5).raylet_refs.store(2);
      CHECK(world.wrong() == "entries: entry 5 (generation 0, free) has 2 raylet references");
    }
    SUBCASE("a pin") {
      segment::Row &row = *world.anna.references.open(5);
      world.anna.references.pin(row);
      CHECK(world.wrong() == "entries: entry 5 (generation 0, free) is pinned by client 1 (driver, pid 101)");
    }
    SUBCASE("two owners") {
      world.anna.references.open(5);
      world.bert.references.open(5);
      CHECK(world.wrong() ==
            "entries: entry 5 (generation 0, free) is held by 2 processes; a pool has one owner: client 1 (driver, pid "
            "101), client 2 (worker, pid 102)");
    }
  }

  TEST_CASE("bits of ended clients and of ids that were never given out are named") {
    AuditWorld world;
    world.anna.put(5);
    SUBCASE("holder of an ended client") {
      world.entry(5).holders.fetch_or(kEndedBit);
      CHECK(world.wrong() == "entries: entry 5 (generation 0, sealed) has the holder bit of client 3 (ended)");
    }
    SUBCASE("pin of an id never given out") {
      world.entry(5).pins.fetch_or(1ull << 60);
      CHECK(world.wrong() == "entries: entry 5 (generation 0, sealed) has the pin bit of client 60 (never given out)");
    }
    SUBCASE("waiter of an ended client") {
      world.entry(5).waiters.fetch_or(kEndedBit);
      CHECK(world.wrong() == "entries: entry 5 (generation 0, sealed) has the waiter bit of client 3 (ended)");
    }
    SUBCASE("bit of an ended client, while the raylet may be sweeping") {
      world.entry(5).holders.fetch_or(kEndedBit);
      world.header().raylet_sleeping.store(0);
      CHECK(world.wrong() == "");
    }
  }

  TEST_CASE("blocks that overlap, lie outside or do not add up are named") {
    AuditWorld world;
    world.bind(5, 4096, 8192);
    SUBCASE("overlap") {
      world.bind(6, 8192, 4096);
      CHECK(world.wrong() ==
            "extents: the blocks of entries 5 (8192 bytes at 4096) and 6 (4096 bytes at 8192) overlap");
    }
    SUBCASE("beyond what is reserved") {
      world.bind(6, kDataReservedBytes - 4096, 8192);
      CHECK(world.wrong() ==
            "extents: the block of entry 6 (8192 bytes at 61440) lies outside of the 65536 bytes that are reserved for "
            "data");
    }
    SUBCASE("an offset that would overflow") {
      world.bind(6, ~0ull - 4096, 8192);
      CHECK(world.problems().size() == 1);
    }
    SUBCASE("a sum that differs") {
      world.header().block_bytes.fetch_add(256);
      CHECK(world.wrong() ==
            "extents: the raylet has given out 8448 bytes in blocks, the blocks of entries (1) have 8192");
    }
    SUBCASE("inline with another capacity") {
      world.entry(6).offset = segment::kInlineOffset;
      world.entry(6).capacity_bytes = 4096;
      CHECK(world.wrong() == "extents: entry 6 (generation 0, free) has no block, but room for 4096 bytes");
    }
  }

  TEST_CASE("a bit without a row is named with the process that it stands for") {
    AuditWorld world;
    world.anna.put(5);
    SUBCASE("holder") {
      world.entry(5).holders.fetch_or(kBertBit);
      CHECK(
          world.wrong() ==
          "handles: entry 5 (generation 0, sealed) has the holder bit of client 2 (worker, pid 102), which has no row "
          "for it");
      CHECK(audit(*world.segment).problems[0].pid == 102);
    }
    SUBCASE("pin") {
      world.entry(5).pins.fetch_or(kBertBit);
      CHECK(world.wrong() ==
            "handles: entry 5 (generation 0, sealed) has the pin bit of client 2 (worker, pid 102), which has no row "
            "for it");
    }
  }

  TEST_CASE("a row that differs from its bits or its entry is named") {
    AuditWorld world;
    segment::Row &row = world.anna.put(5);
    world.anna.references.pin(row);
    REQUIRE(world.wrong() == "");
    const std::string sealed = "entry 5 (generation 0, sealed) ";
    SUBCASE("no holder bit") {
      world.entry(5).holders.fetch_and(~kAnnaBit);
      CHECK(world.wrong() == row_of_anna(row, sealed + "counts 2 handles, but the holder bit is not set"));
    }
    SUBCASE("no pin bit") {
      world.entry(5).pins.fetch_and(~kAnnaBit);
      CHECK(world.wrong() == row_of_anna(row, sealed + "counts 1 pin, but the pin bit is not set"));
    }
    SUBCASE("a pin bit that is not counted") {
      row.pins.store(0);
      CHECK(world.wrong() == row_of_anna(row, sealed + "counts no pin, but the pin bit is set"));
    }
    SUBCASE("more pins than handles") {
      row.pins.store(3);
      CHECK(world.wrong() == row_of_anna(row, sealed + "counts 3 pins and only 2 handles"));
    }
    SUBCASE("no handle") {
      row.count.store(0);
      CHECK(world.wrong() == row_of_anna(row, sealed + "counts no handle"));
    }
    SUBCASE("another generation") {
      row.generation.store(8);
      CHECK(world.wrong() == row_of_anna(row, sealed + "is of generation 8"));
    }
    SUBCASE("a second row for the entry") {
      segment::Row &second = world.anna.rows[9];
      second.count.store(1);
      second.pins.store(1);
      second.entry_plus_1.store(6);
      CHECK(world.wrong() == "handles: client 1 (driver, pid 101) has two rows, 0 and 9, for entry 5");
    }
  }

  TEST_CASE("memory beyond what the regions reserve, and memory that is missing, is named") {
    AuditWorld world;
    SUBCASE("more: somebody touched a hole") {
      REQUIRE(world.segment->reserve(world.segment->data_position(1u << 20), 4096) == nullptr);
    }
    SUBCASE("less: the tables are then left alone") { world.header().data_reserved_bytes.fetch_add(4096); }
    const auto problems = world.problems();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].rfind("kernel: the kernel has ", 0) == 0);
  }

  TEST_CASE("hostile words are named, and neither followed nor counted up to") {
    AuditWorld world;
    world.anna.put(5);
    segment::ClientSlot &slot = world.segment->client(kAnna);
    SUBCASE("a thousand million chunks of rows") {
      slot.row_chunks = 1'000'000'000;
      CHECK(world.wrong() ==
            "handles: client 1 (driver, pid 101) has 1000000000 chunks of handle rows; the limit is 13");
    }
    SUBCASE("rows far outside") {
      slot.row_offsets[0] = ~0ull - 4095;
      CHECK(
          world.wrong() ==
          "handles: chunk 0 of the handle rows of client 1 (driver, pid 101) lies at 18446744073709547520, outside of "
          "what is reserved for rows");
    }
    SUBCASE("rows of another") {
      slot.row_offsets[0] = world.segment->client(kBert).row_offsets[0];
      const std::string position = std::to_string(slot.row_offsets[0]);
      CHECK(world.wrong() ==
            "handles: the handle rows of client 1 (driver, pid 101) and client 2 (worker, pid 102) overlap at " +
                position);
    }
    SUBCASE("a row that names no entry") {
      world.anna.rows[9].entry_plus_1.store(0xfffffff0);
      CHECK(world.wrong() == "handles: a row of client 1 (driver, pid 101) names entry 4294967279; there are 4096");
    }
    SUBCASE("a kind that does not exist") {
      const std::uint32_t kind = 77;
      std::memcpy(static_cast<void *>(&slot.kind), &kind, sizeof kind);
      CHECK(world.wrong() == "handles: client 1 is of kind 77, which does not exist");
    }
    SUBCASE("more of everything than there can be") {
      world.header().entries_reserved.store(~0u);
      world.header().groups_live.store(~0u);
      world.header().clients_reserved.store(~0u);
      world.header().rows_reserved_bytes.store(~0ull);
      world.header().data_reserved_bytes.store(~0ull);
      CHECK(world.problems().size() >= 5);
    }
    SUBCASE("all that there can be, of which the kernel has nothing") {
      world.header().entries_reserved.store(base::kEntriesMax);
      world.header().groups_live.store(base::kGroupsMax);
      world.header().clients_reserved.store(base::kClientsMax);
      const std::uint64_t before = world.segment->kernel_bytes();
      CHECK(world.problems().size() == 1);
      CHECK(world.segment->kernel_bytes() <= before + (16u << 20));
    }
  }

  TEST_CASE("more mismatches than can be named are counted") {
    AuditWorld world;
    for (std::uint32_t entry = 0; entry < 1500; ++entry) world.entry(entry).raylet_refs.store(1);
    const Audit found = audit(*world.segment);
    CHECK(found.problems.size() == kAuditProblemsMax);
    CHECK(found.problems_left_out == 500);
  }

  TEST_CASE("a mismatch that is gone or changed at the next look was a step in progress") {
    AuditWorld world;
    world.anna.put(5);
    world.entry(5).holders.fetch_or(kBertBit);
    int pauses = 0;
    SUBCASE("gone") {
      CHECK(audit(*world.segment, [&] {
              if (++pauses == 2) world.entry(5).holders.fetch_and(~kBertBit);
            }).problems.empty());
      CHECK(pauses == 2);
    }
    SUBCASE("always another") {
      CHECK(audit(*world.segment, [&] {
              ++pauses;
              world.entry(5).holders.fetch_xor(kBertBit);
              world.entry(6).holders.fetch_xor(kBertBit);
            }).problems.empty());
      CHECK(pauses == 1);
    }
    SUBCASE("the same each time") {
      CHECK(audit(*world.segment, [&] { ++pauses; }).problems.size() == 1);
      CHECK(pauses == kAuditLooks - 1);
    }
  }
}

}  // namespace
}  // namespace mobula::objects
