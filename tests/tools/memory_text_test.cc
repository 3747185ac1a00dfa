#include "tools/memory_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/clock.h"

using namespace mobula;
using namespace mobula::tools;
using nlohmann::json;

namespace {

constexpr std::int64_t kNowNs = 1000 * base::kNanosecondsPerSecond;
constexpr std::int64_t kEarlierNs = kNowNs - 3 * base::kNanosecondsPerSecond / 2;
constexpr std::uint32_t kNoProcess = 4'000'000'000;  // no pid of this machine: it has no command line

// A value that a driver holds and pins and a worker holds, and a result to come that two objects contain.
struct View {
  View() {
    std::string notice;
    REQUIRE(segment::Segment::create(std::uint64_t{1} << 20, &segment, &notice) == nullptr);
    const std::uint32_t line = segment::intern_site(*segment, {segment::SiteKind::kLine, 8, "a.cc", "make"});
    const std::uint32_t task = segment::intern_site(*segment, {segment::SiteKind::kTask, 0, "", "keep"});
    holdings.epoch = 0x0504030201;
    holdings.read_ns = kNowNs;
    holdings.footprint = {4096, 8192, 4096, 1 << 20, (1 << 20) + 16384, 1 << 20};
    holdings.processes.resize(3);
    holdings.processes[1] = process(kNoProcess, segment::ClientKind::kDriver);
    holdings.processes[2] = process(kNoProcess + 1, segment::ClientKind::kWorker);
    tasks::Object value;
    value.name = {7, 0x0102};
    value.state = refs::State::kSealed;
    value.site = line;
    value.size_bytes = 2048;
    value.creator_pid = kNoProcess;
    value.created_ns = kEarlierNs;
    value.holders = {0, 2};
    holdings.objects.push_back(value);
    holdings.holders.push_back({1, 3, 1, line, kEarlierNs, true, true});
    holdings.holders.push_back({2, 1, 0, task, kEarlierNs, true, false});
    tasks::Object result;
    result.name = {8, 1};
    result.state = refs::State::kPending;
    result.task_references = 1;
    result.captured_references = 2;
    holdings.objects.push_back(result);
  }
  static tasks::Process process(std::uint32_t pid, segment::ClientKind kind) {
    tasks::Process process;
    process.pid = pid;
    process.kind = kind;
    return process;
  }
  MemoryView view(std::size_t limit = 100, std::optional<GroupBy> group_by = {}) {
    labels = std::make_unique<Labels>(*segment, holdings);
    return {"demo", &holdings, labels.get(), list_references(holdings, *labels), group_by, limit};
  }
  json all(std::optional<GroupBy> group_by = {}) {
    std::ostringstream output;
    memory_json(view(0, group_by), false, output);
    return json::parse(output.str());
  }

  std::unique_ptr<segment::Segment> segment;
  tasks::Holdings holdings;
  std::unique_ptr<Labels> labels;
};

constexpr const char *kHead =
    "Session demo: 2 objects, 2 KiB\n"
    "Bytes: objects 4,096 + pooled 8,192 + free 4,096 + tables 1,048,576 = 1,064,960; the kernel has 1,064,960: "
    "equal\n";

}  // namespace

TEST_SUITE("tools/memory_text") {
  TEST_CASE("each reference is one line, with process, call site, kind and age") {
    CHECK(
        memory_text(View().view()) ==
        std::string(kHead) +
            "       PID  TYPE    CALL SITE      STATUS      SIZE  REFERENCE             OBJECT ID                     "
            "    AGE  HANDLES  COMMAND\n"
            "4000000000  driver  a.cc:8 make()  sealed     2 KiB  PINNED_IN_MEMORY      "
            "010203040507000000020100000000  1.5 s        1  -\n"
            "4000000000  driver  a.cc:8 make()  sealed     2 KiB  LOCAL_REFERENCE       "
            "010203040507000000020100000000  1.5 s        2  -\n"
            "4000000001  worker  in keep        sealed     2 KiB  LOCAL_REFERENCE       "
            "010203040507000000020100000000  1.5 s        1  -\n"
            "         -  -       -              pending  0 bytes  USED_BY_PENDING_TASK  "
            "010203040508000000010000000000      -        -  -\n"
            "         -  -       -              pending  0 bytes  CAPTURED_IN_OBJECT    "
            "010203040508000000010000000000      -        -  -\n");
  }
  TEST_CASE("rows beyond the limit are counted, and the totals are those of all") {
    View world;
    const std::string text = memory_text(world.view(1));
    CHECK(text.find("2 objects, 2 KiB") != std::string::npos);
    CHECK(text.find("... and 4 more") != std::string::npos);
    CHECK(text.find("pending") == std::string::npos);
    CHECK(memory_text(world.view(5)).find("more") == std::string::npos);
    CHECK(memory_text(world.view(0)) == kHead);
  }
  TEST_CASE("groups count each object once") {
    View world;
    CHECK(memory_text(world.view(100, GroupBy::kSite)) == std::string(kHead) +
                                                              "   SIZE  OBJECTS  REFERENCES  HANDLES  CALL SITE\n"
                                                              "  2 KiB        1           2        3  a.cc:8 make()\n"
                                                              "  2 KiB        1           1        1  in keep\n"
                                                              "0 bytes        1           2        0  -\n");
    const json groups = world.all(GroupBy::kType)["groups"];
    CHECK(groups.size() == 4);
    CHECK(groups[1] ==
          json({{"group", "PINNED_IN_MEMORY"}, {"objects", 1}, {"references", 1}, {"handles", 1}, {"bytes", 2048}}));
  }
  TEST_CASE("a segment that is growing just now says by how much") {
    View world;
    world.holdings.footprint.kernel_bytes += 4096;
    CHECK(memory_text(world.view()).find("the kernel has 1,069,056: 4 KiB are being reserved") != std::string::npos);
  }
  TEST_CASE("what keeps an object that nobody refers to is told, and that the raylet will free it") {
    View world;
    world.holdings.objects[0].holders = {};
    world.holdings.objects[0].retained = 7;
    CHECK(memory_text(world.view()).find("NAMED") != std::string::npos);
    CHECK(memory_text(world.view()).find("WEAKLY_HELD") != std::string::npos);
    CHECK(memory_text(world.view()).find("RETAINED") != std::string::npos);
    world.holdings.objects[0].retained = 0;
    CHECK(memory_text(world.view()).find("TO_BE_FREED") != std::string::npos);
  }
  TEST_CASE("a handle of an actor is named so, and sorting is by what was asked") {
    View world;
    world.holdings.objects[0].kind = segment::Kind::kActor;
    MemoryView view = world.view();
    CHECK(memory_text(view).find("ACTOR_HANDLE") != std::string::npos);
    sort(world.holdings, SortBy::kHandles, *world.labels, &view.rows);
    CHECK(view.rows[0].type == ReferenceType::kActorHandle);
    CHECK(view.rows[0].handles == 2);
    sort(world.holdings, SortBy::kPid, *world.labels, &view.rows);
    CHECK(view.rows[0].pid == 0);
    sort(world.holdings, SortBy::kSite, *world.labels, &view.rows);
    CHECK(world.labels->site(view.rows[4].site).text == "in keep");
    sort(world.holdings, SortBy::kAge, *world.labels, &view.rows);
    CHECK(view.rows[0].object == 0);
  }
  TEST_CASE("statistics are one line of stable keys") {
    CHECK(memory_stats(View().view()) ==
          "objects=2 bytes=2048 actor_handle=0 pinned_in_memory=1 used_by_pending_task=1 local_reference=2 "
          "captured_in_object=1 named=0 weakly_held=0 retained=0 to_be_freed=0 objects_bytes=4096 pooled_bytes=8192 "
          "free_bytes=4096 tables_bytes=1048576 kernel_bytes=1064960 capacity_bytes=1048576\n");
  }
  TEST_CASE("the JSON form has every reference, and null for what is unknown") {
    const json all = View().all();
    CHECK(all["totals"]["objects"] == 2);
    CHECK(all["bytes"]["kernel"] == (1 << 20) + 16384);
    CHECK(all["processes"].size() == 2);
    CHECK(all["references"].size() == 5);
    CHECK(all["references"][2] == json({{"pid", kNoProcess + 1},
                                        {"process", "worker"},
                                        {"call_site", "in keep"},
                                        {"status", "sealed"},
                                        {"size_bytes", 2048},
                                        {"reference", "LOCAL_REFERENCE"},
                                        {"object_id", "010203040507000000020100000000"},
                                        {"age_ms", 1500},
                                        {"held_ms", 1500},
                                        {"handles", 1},
                                        {"created_at", "a.cc:8 make()"},
                                        {"creator_pid", kNoProcess}}));
    CHECK(all["references"][4]["pid"].is_null());
    CHECK(all["references"][4]["age_ms"].is_null());
    CHECK(all["references"][4]["call_site"].is_null());
  }
}
