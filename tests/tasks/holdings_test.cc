#include "tasks/holdings.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "refs/object_id.h"
#include "tasks/holdings_world.h"
#include "tasks/task_spec.h"

using namespace mobula;
using namespace mobula::tasks;
using refs::State;
using segment::Kind;

TEST_SUITE("tasks/holdings") {
  TEST_CASE("objects are listed; specs, buffers and free entries are not") {
    HoldingsWorld world;
    world.put(1, State::kSealed, Kind::kValue, 10);
    world.put(2, State::kSealed, Kind::kForward, 5000);
    world.put(3, State::kSealed, Kind::kBuffer, 5000);
    world.put(4, State::kSealed, Kind::kSpec, 50);
    world.put(5, State::kFree, Kind::kValue, 70);
    const Holdings holdings = world.read();
    REQUIRE(holdings.objects.size() == 2);
    CHECK(holdings.objects[0].name.entry == 1);
    CHECK(holdings.objects[0].size_bytes == 10);
    CHECK(holdings.objects[0].created_ns == kNowNs - base::kNanosecondsPerSecond);
    CHECK(holdings.objects[0].creator_pid == kDriverPid);
    CHECK(holdings.objects[0].site == 7);
    CHECK(holdings.objects[1].name.entry == 2);
  }
  TEST_CASE("holders and pins of every group are found, with their processes") {
    HoldingsWorld world;
    world.put(1, State::kSealed, Kind::kValue, 1);
    world.segment->set_word(segment::Set::kHolders, 0, 1).store(1ull << kDriver);
    world.segment->set_word(segment::Set::kPins, 0, 1).store(1ull << kDriver);
    world.segment->set_word(segment::Set::kHolders, 1, 1).store(1ull << (kSecond - 64));
    const Holdings holdings = world.read();
    const auto holders = holdings.holders_of(holdings.objects[0]);
    REQUIRE(holders.size() == 2);
    CHECK(holdings.processes[holders[0].client].pid == kDriverPid);
    CHECK(holders[0].holds);
    CHECK(holders[0].pinned);
    CHECK(holders[1].client == kSecond);
    CHECK(holdings.processes[kSecond].pid == kSecondPid);
    CHECK(holdings.processes[kSecond].kind == segment::ClientKind::kWorker);
    CHECK_FALSE(holders[1].pinned);
  }
  TEST_CASE("a holder's row tells handles, pins, site and since when") {
    HoldingsWorld world;
    world.put(1, State::kSealed, Kind::kValue, 1);
    segment::Row &row = world.hold(1, kDriver, 4);
    row.pins.store(1);
    row.site = 9;
    row.since_ms = 250;
    const Holdings holdings = world.read();
    const Holder holder = holdings.holders_of(holdings.objects[0])[0];
    CHECK(holder.handles == 4);
    CHECK(holder.pins == 1);
    CHECK(holder.site == 9);
    CHECK(holder.since_ns == world.segment->header().started_ns + 250 * base::kNanosecondsPerMillisecond);
  }
  TEST_CASE("a process that has ended and one that is being reaped are on their way out") {
    HoldingsWorld world;
    CHECK_FALSE(world.read().processes[kDriver].is_ending);
    CHECK(read_holdings(*world.segment, kNowNs, [](std::uint32_t pid) { return pid != kDriverPid; })
              .processes[kDriver]
              .is_ending);
    world.segment->client(kSecond).reaping.store(1);
    CHECK(world.read().processes[kSecond].is_ending);
  }
  TEST_CASE("what the entry's last tenant wrote is not taken for the description of an unfinished result") {
    HoldingsWorld world;
    world.put(1, State::kPending, Kind::kSpec, 99).raylet_refs.store(1);
    world.put(2, State::kFailed, Kind::kSpec, 99, refs::kRayletWriter);
    const Holdings holdings = world.read();
    REQUIRE(holdings.objects.size() == 2);
    for (const Object &object : holdings.objects) {
      CHECK(object.size_bytes == 0);
      CHECK(object.creator_pid == 0);
      CHECK(object.created_ns == 0);
    }
    CHECK(holdings.objects[0].task_references == 1);
    CHECK(holdings.objects[0].captured_references == 0);
  }
  TEST_CASE("a draft is told from a result that its worker is writing") {
    HoldingsWorld world;
    world.put(1, State::kCreating, Kind::kValue, 99);
    world.put(2, State::kCreating, Kind::kValue, 99).raylet_refs.store(1);
    const Holdings holdings = world.read();
    CHECK(holdings.objects[0].is_draft);
    CHECK(holdings.objects[0].creator_pid == kDriverPid);
    CHECK_FALSE(holdings.objects[1].is_draft);
    CHECK(holdings.objects[1].creator_pid == 0);
  }
  TEST_CASE("references of waiting tasks and of containers are told apart") {
    HoldingsWorld world;
    world.put(1, State::kSealed, Kind::kValue, 1).raylet_refs.store(3);
    ArgumentToEncode argument;
    argument.reference = {1, kGeneration};
    segment::EntryHeader &spec = world.submit(2, std::array{argument, argument});
    const auto task_references = [&] { return world.read().objects[0].task_references; };
    SUBCASE("while the raylet has the task") {
      const Holdings holdings = world.read();
      CHECK(holdings.objects[0].task_references == 2);
      CHECK(holdings.objects[0].captured_references == 1);
      REQUIRE(holdings.users_of(holdings.objects[0]).size() == 1);
      CHECK(holdings.tasks[holdings.users[0]].spec == refs::ObjectName{2, kGeneration});
      CHECK(holdings.tasks[holdings.users[0]].function == 5);
    }
    SUBCASE("before it has it") {
      spec.raylet_refs.store(0);
      CHECK(task_references() == 0);
    }
    SUBCASE("when the spec's bytes are no spec") {
      std::memset(world.segment->writable(spec.offset, spec.size), 0xff, spec.size);
      CHECK(task_references() == 0);
    }
    SUBCASE("when the spec's size is a lie") {
      spec.size = ~std::uint64_t{0};
      CHECK(task_references() == 0);
    }
    SUBCASE("when it means an earlier tenant of the entry") {
      world.segment->entry(1).state.store(refs::pack(State::kSealed, kDriver, kGeneration + 1));
      CHECK(task_references() == 0);
    }
  }
  TEST_CASE("a task tells who runs it and since when, as long as the claim word is its own") {
    HoldingsWorld world;
    segment::EntryHeader &spec = world.submit(2, {});
    segment::ClientSlot &worker = world.segment->client(kSecond);
    CHECK(world.read().tasks[0].claim == Claim::kIdle);
    spec.claim.store(pack_claim(Claim::kRunning, kSecond, kGeneration));
    CHECK(world.read().tasks[0].is_over);
    worker.task_entry_plus_1.store(1);
    worker.task_since_ns.store(kNowNs - 5);
    Task task = world.read().tasks[0];
    CHECK(task.runs());
    CHECK_FALSE(task.is_over);
    CHECK(task.worker == kSecond);
    CHECK(task.since_ns == kNowNs - 5);
    spec.claim.store(pack_claim(Claim::kRunning, kSecond, kGeneration - 1));
    CHECK(world.read().tasks[0].claim == Claim::kIdle);
    spec.claim.store(pack_claim(Claim::kRunning, 4000, kGeneration));
    CHECK(world.read().tasks[0].claim == Claim::kIdle);
  }
  TEST_CASE("what lies inside an object is found by its id, in the entry, in a block and behind a result") {
    HoldingsWorld world;
    const std::string id = "...." + refs::encode_id(world.segment->header().epoch, {1, kGeneration}) + "....";
    world.put(1, State::kSealed, Kind::kValue, 1).raylet_refs.store(1);
    segment::EntryHeader &outer = world.put(2, State::kSealed, Kind::kValue, id.size());
    outer.contained.store(1);
    SUBCASE("in the entry") { std::memcpy(outer.inline_bytes, id.data(), id.size()); }
    SUBCASE("in a block") {
      outer.offset = 4096;
      std::memcpy(world.segment->writable(4096, id.size()), id.data(), id.size());
    }
    SUBCASE("behind a result") {
      outer.kind = Kind::kForward;
      const segment::ForwardTarget target{kGeneration, 3, 0};
      std::memcpy(outer.inline_bytes, &target, sizeof target);
      std::memcpy(world.put(3, State::kSealed, Kind::kBuffer, id.size()).inline_bytes, id.data(), id.size());
    }
    const Holdings holdings = world.read();
    const auto containers = holdings.containers_of(holdings.objects[0]);
    REQUIRE(containers.size() == 1);
    CHECK(holdings.objects[containers[0]].name.entry == 2);
    CHECK(holdings.objects[0].captures_found == 1);
    CHECK_FALSE(holdings.objects[0].is_to_be_freed());
    CHECK(holdings.objects[1].is_to_be_freed());
  }
  TEST_CASE("damaged words are neither places nor counts") {
    HoldingsWorld world;
    segment::EntryHeader &header = world.put(1, State::kSealed, Kind::kForward, ~0ull);
    header.contained.store(~0u);
    header.raylet_refs.store(1);
    const segment::ForwardTarget target{1, ~0u, 0};
    std::memcpy(header.inline_bytes, &target, sizeof target);
    world.put(2, static_cast<State>(6), Kind::kValue, 1);
    segment::EntryHeader &lost = world.put(3, State::kSealed, Kind::kValue, 1000);
    lost.offset = ~0ull - 10;
    lost.contained.store(1);
    segment::ClientSlot &slot = world.segment->client(kSecond);
    slot.kind = static_cast<segment::ClientKind>(77);
    slot.row_chunks = ~0u;
    slot.actor_entry_plus_1.store(~0u);
    world.hold(1, kDriver, 1).entry_plus_1.store(~0u);
    const Holdings holdings = world.read();
    CHECK(holdings.objects.size() == 2);
    CHECK(holdings.processes[kSecond].kind == segment::ClientKind::kNone);
  }
  TEST_CASE("the parts of the segment add up to what the kernel has") {
    HoldingsWorld world;
    REQUIRE(world.segment->reserve(world.segment->regions().data, 64 << 10) == nullptr);
    world.segment->header().data_reserved_bytes.store(64 << 10);
    segment::EntryHeader &used = world.put(1, State::kSealed, Kind::kValue, 3000);
    used.offset = 0;
    used.capacity_bytes = 4096;
    segment::EntryHeader &pooled = world.put(2, State::kFree, Kind::kValue, 0);
    pooled.offset = 4096;
    pooled.capacity_bytes = 8192;
    const objects::Footprint footprint = world.read().footprint;
    CHECK(footprint.blocks_bytes == 4096);
    CHECK(footprint.pooled_bytes == 8192);
    CHECK(footprint.free_bytes == (64 << 10) - 3 * 4096);
    CHECK(footprint.total_bytes() == footprint.kernel_bytes);
  }
}
