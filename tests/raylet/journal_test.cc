#include "raylet/journal.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "raylet/raylet_world.h"
#include "segment/notes.h"
#include "segment/sites.h"

namespace mobula::raylet {
namespace {

constexpr std::int64_t kSecondNs = base::kNanosecondsPerSecond;

// What is logged comes as lines "level text".
struct JournalWorld : RayletWorld {
  JournalWorld() : before(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(logger);
  }
  JournalWorld(const JournalWorld &) = delete;
  JournalWorld &operator=(const JournalWorld &) = delete;
  ~JournalWorld() { spdlog::set_default_logger(before); }

  std::string take_text() {
    std::string lines = text.str();
    text.str("");
    return lines;
  }
  void die(segment::DeathCause cause, std::uint32_t code, refs::ObjectName task = {}, std::uint32_t site = 0) {
    const std::uint64_t number = segment->header().deaths.load() + 1;
    segment::Death &death = segment->death(number);
    segment::write_note(death, number, [&] {
      death.cause.store(static_cast<std::uint32_t>(cause));
      death.code.store(code);
      death.task_entry.store(task.entry);
      death.task_generation.store(task.generation);
      death.task_site.store(site);
    });
    segment->header().deaths.store(number);
  }
  std::string ended(const Client &client) {
    journal.client_ends(client);
    return take_text();
  }

  std::ostringstream text;
  std::shared_ptr<spdlog::logger> before;
  Journal journal{"demo", store, clients};
};

}  // namespace

TEST_SUITE("raylet/journal") {
  TEST_CASE("the beginning of a session tells its figures, its end how it came to it") {
    JournalWorld world;
    Options options;
    options.workers = 2;
    options.metrics_port = 9100;
    options.log_records = 1000;
    world.journal.session_begins(options);
    const std::string begins = world.take_text();
    CHECK(begins.starts_with("info session demo begins: raylet pid " + std::to_string(getpid()) +
                             ", 2 tasks at a time, object store of 4 MiB, layout "));
    CHECK(begins.ends_with(", reference log of 1000 events, metrics at 127.0.0.1:9100\n"));
    world.journal.session_ends("signal 15");
    CHECK(world.take_text() ==
          "info session demo ends: signal 15; 0 objects freed, 0 evicted, 0 clients ended before\n");
  }

  TEST_CASE("a client comes with its id and pid, and goes with how, and what it ran") {
    JournalWorld world;
    const auto worker = world.attach(segment::ClientKind::kWorker, 100);
    world.journal.client_joins(*worker->client);
    CHECK(world.take_text() == "info client 1 joins: pid 100 (worker)\n");
    const std::uint32_t site = segment::intern_site(*world.segment, {segment::SiteKind::kTask, 0, "", "make_batch"});
    world.die(segment::DeathCause::kSignal, SIGSEGV, {7, 3}, site);
    const std::string died = world.ended(*worker->client);
    CHECK(died.starts_with("warning client 1 ends: pid 100 (worker): killed by SIGSEGV, in make_batch, for object "));
    CHECK(std::count(died.begin(), died.end(), '\n') == 1);
    world.die(segment::DeathCause::kSignal, SIGKILL);
    CHECK(world.ended(*worker->client) == "info client 1 ends: pid 100 (worker): killed by SIGKILL\n");
    world.die(segment::DeathCause::kExited, 3);
    CHECK(world.ended(*worker->client) == "info client 1 ends: pid 100 (worker): exit status 3\n");
    world.die(segment::DeathCause::kMemory, SIGKILL);
    CHECK(world.ended(*worker->client).starts_with("warning client 1 ends: "));
  }

  TEST_CASE("what a dead client held is counted when it was given back") {
    JournalWorld world;
    const auto anna = world.attach();
    for (int i = 0; i < 3; ++i) anna->put(world.grant_one(*anna));
    world.store.clear_rows(anna->id, anna->client->row_offsets, 0, base::kRowsPerFirstChunk);
    world.journal.client_is_cleared(*anna->client);
    CHECK(world.take_text() == "info client 1 is cleared: pid 100, 3 references given back\n");
    world.journal.client_is_cleared(*anna->client);
    CHECK(world.take_text() == "info client 1 is cleared: pid 100, 0 references given back\n");
  }

  TEST_CASE("evictions of a second are one line, and none is left out") {
    JournalWorld world;
    for (int i = 0; i < 1'000; ++i) {
      world.journal.evicted({2, 4096});
      world.journal.write_evictions(10 * kSecondNs + i);
    }
    CHECK(world.take_text().starts_with("info eviction pass: 2 objects freed, 4 KiB; 0 bytes of 4 MiB in use\n"));
    CHECK(world.journal.has_evictions());
    world.journal.write_evictions(11 * kSecondNs);
    CHECK(world.take_text().starts_with("info eviction pass: 1998 objects freed, "));
    CHECK_FALSE(world.journal.has_evictions());
    world.journal.write_evictions(13 * kSecondNs);
    CHECK(world.take_text().empty());
  }

  TEST_CASE("who waits for space is named, at most once in a second, and warned of when nothing can be evicted") {
    JournalWorld world;
    const auto anna = world.attach();
    world.journal.space_is_short(anna->id, 1u << 20, kSecondNs);
    CHECK(
        world.take_text() ==
        "info client 1 waits for space: pid 100 (driver ), 1 MiB; 4 MiB of 4 MiB free, 0 bytes in retained objects\n");
    world.journal.space_is_short(anna->id, 1u << 30, kSecondNs + 1);
    CHECK(world.take_text().empty());
    world.journal.space_is_short(anna->id, 1u << 30, 2 * kSecondNs);
    CHECK(world.take_text().starts_with("warning client 1 waits for space: "));
  }
}

}  // namespace mobula::raylet
