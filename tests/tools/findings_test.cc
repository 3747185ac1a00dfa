#include "tools/findings.h"

#include <doctest/doctest.h>

#include "segment/sites.h"
#include "segment/test_segment.h"

namespace mobula::tools {
namespace {

constexpr std::int64_t kSecondNs = base::kNanosecondsPerSecond;
constexpr std::int64_t kNowNs = 100'000 * kSecondNs;
constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint32_t kDriver = 1;
constexpr std::uint32_t kWorker = 2;
constexpr std::uint32_t kDriverPid = 4'100'001;  // of no process, so that it has no command line
constexpr std::uint32_t kWorkerPid = 4'100'002;

// A session in which all is well, and what a case makes of it.
struct FindingsWorld {
  FindingsWorld() : segment(segment::create_segment()) {
    line = segment::intern_site(*segment, {segment::SiteKind::kLine, 88, "train.cpp", "make_batch"});
    function = segment::intern_site(*segment, {segment::SiteKind::kTask, 0, "", "resize"});
    holdings.read_ns = kNowNs;
    holdings.processes.resize(3);
    holdings.processes[kDriver].pid = kDriverPid;
    holdings.processes[kDriver].kind = segment::ClientKind::kDriver;
    holdings.processes[kWorker].pid = kWorkerPid;
    holdings.processes[kWorker].kind = segment::ClientKind::kWorker;
    holdings.footprint.blocks_bytes = 10 * kMiB;
    facts.session = "demo";
    facts.raylet_pid = 99;
    facts.capacity_bytes = 100 * kMiB;
    facts.reserved_bytes = 20 * kMiB;
    facts.descriptors = 50;
    facts.descriptors_max = 1024;
  }
  // An object that the driver has held for so long.
  void hold(std::uint64_t bytes, std::int64_t age_ns) {
    tasks::Object object;
    object.name = {5, 6};
    object.site = line;
    object.size_bytes = bytes;
    object.holders = {static_cast<std::uint32_t>(holdings.holders.size()), 1};
    tasks::Holder holder;
    holder.client = kDriver;
    holder.site = line;
    holder.since_ns = kNowNs - age_ns;
    holdings.objects.push_back(object);
    holdings.holders.push_back(holder);
  }
  void submit(tasks::Claim claim, std::int64_t age_ns) {
    tasks::Task task;
    task.claim = claim;
    task.worker = kWorker;
    task.site = line;
    task.name = "shrink";
    task.since_ns = kNowNs - age_ns;
    holdings.tasks.push_back(task);
  }
  std::vector<std::string> lines() const {
    Labels labels(*segment, holdings);
    std::vector<std::string> texts;
    for (const Finding &finding : find_all(facts, holdings, labels)) texts.push_back(line_of(finding));
    return texts;
  }
  // The only finding.
  std::string line_alone() const {
    const std::vector<std::string> texts = lines();
    REQUIRE(texts.size() == 1);
    return texts[0];
  }

  std::unique_ptr<segment::Segment> segment;
  std::uint32_t line = 0;
  std::uint32_t function = 0;
  Surroundings facts;
  tasks::Holdings holdings;
};

}  // namespace

TEST_SUITE("tools/findings") {
  TEST_CASE("a session in which all is well has none") {
    FindingsWorld world;
    world.hold(kMiB, kOldReferenceNs - kSecondNs);
    world.submit(tasks::Claim::kRunning, kLongTaskNs - kSecondNs);
    world.submit(tasks::Claim::kIdle, kLongTaskNs - kSecondNs);
    CHECK(world.lines().empty());
    world.facts.shm_free_bytes = 80 * kMiB;
    world.facts.memory_limit_bytes = 100 * kMiB;
    world.facts.available_bytes = 80 * kMiB;
    CHECK(world.lines().empty());
  }

  TEST_CASE("a raylet that is stopped, or whose program is gone") {
    FindingsWorld world;
    world.facts.raylet_is_stopped = true;
    CHECK(world.line_alone() ==
          "the raylet (pid 99) is stopped by a signal: nothing is scheduled, freed or granted. To do: kill -CONT 99");
    world.facts.raylet_is_stopped = false;
    world.facts.raylet_was_replaced = true;
    CHECK(world.line_alone().find("mobula stop --session demo, then mobula start") != std::string::npos);
  }

  TEST_CASE("memory that the store may take but will not get") {
    FindingsWorld world;
    world.facts.shm_free_bytes = 79 * kMiB;
    CHECK(world.line_alone().starts_with("/dev/shm has 79 MiB free, and the store may still take 80 MiB: "));
    world.facts.shm_free_bytes = kNoLimit;
    world.facts.memory_limit_bytes = 99 * kMiB;
    CHECK(world.line_alone().starts_with("the control group of the raylet may use 99 MiB, the store alone 100 MiB: "));
    world.facts.memory_limit_bytes = kNoLimit;
    world.facts.available_bytes = kMiB;
    CHECK(world.line_alone().starts_with("the machine has 1 MiB of memory available, and the store may still take"));
  }

  TEST_CASE("descriptors that come to their end") {
    FindingsWorld world;
    world.facts.descriptors = 900;
    CHECK(world.lines().empty());
    world.facts.descriptors = 922;
    CHECK(world.line_alone().starts_with("the raylet has 922 of 1,024 descriptors open: no further process can join"));
  }

  TEST_CASE("a store that is nearly full, by whom and from which line") {
    FindingsWorld world;
    world.hold(80 * kMiB, kSecondNs);
    world.holdings.footprint.blocks_bytes = 95 * kMiB;
    CHECK(
        world.line_alone().starts_with("the store is 95 % full, 95 MiB of 100 MiB; pid 4100001 (driver) holds 80 "
                                       "MiB, most of it made at train.cpp:88 make_batch(): puts wait for space"));
  }

  TEST_CASE("tasks that run or wait for long, oldest first, and at most five of them by name") {
    FindingsWorld world;
    world.submit(tasks::Claim::kRunning, 2 * kLongTaskNs);
    CHECK(world.line_alone() ==
          "the task shrink, submitted at train.cpp:88 make_batch(), has run for 20.0 min in pid 4100002: its worker "
          "runs nothing else. To do: if it hangs: gdb -p 4100002, then mobula::cancel with force");
    for (int i = 0; i < 9; ++i) world.submit(tasks::Claim::kCancelling, kLongTaskNs);
    CHECK(world.lines().size() == kNamedMax + 1);
    CHECK(world.lines().back().starts_with("5 more tasks have run as long as that: "));
    world.holdings.tasks.clear();
    world.submit(tasks::Claim::kIdle, kLongTaskNs);
    world.submit(tasks::Claim::kOffered, 3 * kLongTaskNs);
    CHECK(world.line_alone().starts_with("2 tasks have waited for up to 30.0 min, the first is shrink, submitted at "));
    for (tasks::Task &task : world.holdings.tasks) task.is_over = true;
    CHECK(world.lines().empty());
  }

  TEST_CASE("processes that were stopped, and what they are at") {
    FindingsWorld world;
    world.facts.stopped_pids = {kWorkerPid};
    CHECK(world.line_alone().starts_with("pid 4100002 (worker) is stopped by a signal: what it holds stays. To do: "));
    world.holdings.processes[kWorker].task = {7, 8};
    world.holdings.processes[kWorker].task_site = world.function;
    CHECK(world.line_alone().starts_with("pid 4100002 (worker) is stopped by a signal, in resize: its "));
    world.facts.stopped_pids = {1};  // joined since
    CHECK(world.line_alone().starts_with("pid 1 is stopped by a signal: "));
  }

  TEST_CASE("processes that have ended and are not cleared") {
    FindingsWorld world;
    world.holdings.processes[kWorker].is_ending = true;
    CHECK(world.line_alone().starts_with("a process has ended and is not cleared yet: pid 4100002: "));
    world.holdings.processes[kDriver].is_ending = true;
    CHECK(world.line_alone().starts_with("processes have ended and are not cleared yet: pid 4100001, 4100002: "));
  }

  TEST_CASE("the oldest reference stands for all old ones") {
    FindingsWorld world;
    world.hold(kMiB, kOldReferenceNs);
    world.hold(2 * kMiB, 3 * kOldReferenceNs);
    const std::string text = world.line_alone();
    CHECK(text.starts_with("2 references are held for more than 1.0 h, the oldest by pid 4100001 (driver) for "));
    CHECK(text.find(" of 2 MiB, taken at train.cpp:88 make_batch(): what is held is never freed") != std::string::npos);
  }

  TEST_CASE("folders of dead sessions, and events that were lost") {
    FindingsWorld world;
    world.facts.stale_sessions = {"a", "b"};
    CHECK(world.line_alone().starts_with("folders of sessions whose raylet is dead: a, b: "));
    world.facts.stale_sessions.clear();
    world.facts.log_lost = 3;
    CHECK(world.line_alone().starts_with("the reference log has lost 3 events: "));
  }
}

}  // namespace mobula::tools
