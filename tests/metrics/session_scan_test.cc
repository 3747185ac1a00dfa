#include "metrics/session_scan.h"

#include <doctest/doctest.h>

#include <cstring>

#include "base/clock.h"
#include "objects/audit_world.h"
#include "segment/notes.h"
#include "tasks/claim.h"
#include "tasks/task_spec.h"

namespace mobula::metrics {
namespace {

using objects::AuditWorld;
using objects::kAnna;
using objects::kBert;
using tasks::Claim;

struct MetricsWorld : AuditWorld {
  SessionFigures read() const { return read_session(*segment); }
  // A task that the raylet has taken; `creation`: it makes an actor.
  void add_task(std::uint32_t number, std::uint64_t claim, bool creation = false) {
    anna.put(number);
    segment::EntryHeader &header = entry(number);
    runtime::ActorOptions actor;
    tasks::SpecToEncode more;
    if (creation) more.creation = &actor;
    const auto bytes = tasks::encode_spec(7, 0, {}, more);
    REQUIRE(bytes.size() <= 1024);
    bind(number, 1024 * std::uint64_t{number}, 1024);
    std::memcpy(segment->writable(header.offset, bytes.size()), bytes.data(), bytes.size());
    header.size = bytes.size();
    header.kind = segment::Kind::kSpec;
    header.raylet_refs.store(1);
    header.claim.store(claim);
  }
  void die(segment::DeathCause cause) {
    const std::uint64_t number = header().deaths.load() + 1;
    segment::Death &death = segment->death(number);
    segment::write_note(death, number, [&] { death.cause.store(static_cast<std::uint32_t>(cause)); });
    header().deaths.store(number);
  }
};

TEST_SUITE("metrics/session_scan") {
  TEST_CASE("an empty session has nothing but its processes") {
    const MetricsWorld world;
    const SessionFigures figures = world.read();
    CHECK(figures.store.objects == 0);
    CHECK(figures.drivers == 1);
    CHECK(figures.workers_idle == 1);
    CHECK(figures.workers_running == 0);
    CHECK(figures.oldest_reference_ns == 0);
    CHECK(figures.tasks_queued == 0);
    CHECK_FALSE(figures.waits_for_space);
    CHECK_FALSE(figures.raylet.has_value());
  }

  TEST_CASE("references count processes, the oldest of them tells its age, and drafts are unsealed") {
    MetricsWorld world;
    segment::Row &row = world.anna.put(5);
    row.since_ms = 3'000;
    segment::Row *taken = nullptr;
    REQUIRE(world.bert.references.take({5, 0}, &taken) == refs::References::Take::kTaken);
    taken->since_ms = 1'000;
    segment::Row *const draft = world.anna.references.open(6);
    REQUIRE(draft != nullptr);
    REQUIRE(world.anna.references.begin(*draft, refs::State::kCreating));
    draft->since_ms = 9'000;
    const SessionFigures figures = world.read();
    CHECK(figures.references == 3);
    CHECK(figures.store.handles == 3);
    CHECK(figures.unsealed_objects == 1);
    CHECK(figures.oldest_reference_ns == world.header().started_ns + 1'000 * base::kNanosecondsPerMillisecond);
  }

  TEST_CASE("tasks are queued until a worker has claimed them, and what an earlier tenant left is no claim") {
    MetricsWorld world;
    world.add_task(5, tasks::pack_claim(Claim::kIdle, 0, 0));
    world.add_task(6, tasks::pack_claim(Claim::kOffered, kBert, 0));
    world.add_task(7, tasks::pack_claim(Claim::kRunning, kBert, 0));
    world.add_task(8, tasks::pack_claim(Claim::kCancelling, kBert, 0));
    world.add_task(9, tasks::pack_claim(Claim::kRunning, kBert, 77));
    world.add_task(10, tasks::pack_claim(Claim::kRunning, kBert, 0));
    world.entry(10).raylet_refs.store(0);  // it has ended
    const SessionFigures figures = world.read();
    CHECK(figures.tasks_queued == 3);
    CHECK(figures.tasks_running == 2);
    CHECK(figures.store.objects == 0);
  }

  TEST_CASE("the spec that an actor may be made from again is no running task, a call of it is") {
    MetricsWorld world;
    world.add_task(5, tasks::pack_claim(Claim::kRunning, kBert, 0), true);
    CHECK(world.read().tasks_running == 1);
    world.segment->client(kBert).actor_entry_plus_1.store(30);
    CHECK(world.read().tasks_running == 0);
    CHECK(world.read().actors == 1);
    world.add_task(6, tasks::pack_claim(Claim::kRunning, kBert, 0));
    CHECK(world.read().tasks_running == 1);
  }

  TEST_CASE("a worker with a task runs, and one that is being reaped is no process") {
    MetricsWorld world;
    world.segment->client(kBert).task_entry_plus_1.store(6);
    CHECK(world.read().workers_running == 1);
    world.segment->client(kBert).reaping.store(1);
    CHECK(world.read().workers_running == 0);
    CHECK(world.read().workers_idle == 0);
  }

  TEST_CASE("deaths count by cause, and a cause that is none counts as unknown") {
    MetricsWorld world;
    world.die(segment::DeathCause::kSignal);
    world.die(segment::DeathCause::kSignal);
    world.die(segment::DeathCause::kExited);
    world.die(static_cast<segment::DeathCause>(99));
    const SessionFigures figures = world.read();
    CHECK(figures.deaths == 4);
    CHECK(figures.recent_deaths[static_cast<std::size_t>(segment::DeathCause::kSignal)] == 2);
    CHECK(figures.recent_deaths[static_cast<std::size_t>(segment::DeathCause::kExited)] == 1);
    CHECK(figures.recent_deaths[0] == 1);
  }

  TEST_CASE("a scan in small steps finds the same as one in a single step") {
    MetricsWorld world;
    for (std::uint32_t number = 20; number < 120; ++number) world.anna.put(number).since_ms = number;
    SessionScan scan(*world.segment);
    std::uint32_t steps = 1;
    while (scan.step(100)) ++steps;
    CHECK(steps > base::kEntriesPerChunk * 3 / 100);
    CHECK(scan.figures().references == 100);
    CHECK(scan.figures().store.handles == 100);
    CHECK(scan.figures().oldest_reference_ns == world.read().oldest_reference_ns);
  }

  TEST_CASE("damaged words are never followed") {
    MetricsWorld world;
    world.add_task(5, ~0ull);
    world.add_task(6, tasks::pack_claim(Claim::kRunning, 4000, 0), true);
    world.add_task(7, tasks::pack_claim(Claim::kRunning, kBert, 0), true);
    world.segment->client(kBert).actor_entry_plus_1.store(~0u);
    world.entry(7).size = ~0ull;
    world.header().clients_reserved.store(~0u);
    world.header().rows_reserved_bytes.store(~0ull);
    world.segment->client(kAnna).row_chunks = ~0u;
    world.header().data_reserved_bytes.store(~0ull);
    const SessionFigures figures = world.read();
    CHECK(figures.reserved_bytes == figures.store.capacity_bytes);
    CHECK(figures.tasks_queued + figures.tasks_running == 3);
  }
}

}  // namespace
}  // namespace mobula::metrics
