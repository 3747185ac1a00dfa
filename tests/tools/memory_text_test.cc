#include "tools/memory_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mobula;
using namespace mobula::tools;
using nlohmann::json;

namespace {

MemoryRow held_row() {
  MemoryRow row;
  row.id = "0a0b";
  row.state = refs::State::kSealed;
  row.size_bytes = 2048;
  row.creator_pid = 7;
  row.age_ms = 1500;
  row.holders = {{1, 7, segment::ClientKind::kDriver, true, true}, {2, 8, segment::ClientKind::kWorker, true, false}};
  return row;
}

MemoryRow pending_row() {
  MemoryRow row;
  row.id = "0c";
  row.state = refs::State::kPending;
  row.task_references = 1;
  row.captured_references = 2;
  return row;
}

}  // namespace

TEST_SUITE("tools/memory_text") {
  TEST_CASE("each object is one line with who refers to it and how") {
    CHECK(
        memory_text("demo", {held_row(), pending_row()}, 100) ==
        "Session demo: 2 objects, 2 KiB\n"
        "OBJECT ID     SIZE  STATE      AGE  CREATOR  HELD BY             REFERENCES\n"
        "0a0b         2 KiB  sealed   1.5 s        7  7 driver, 8 worker  LOCAL_REFERENCE, PINNED_IN_MEMORY\n"
        "0c         0 bytes  pending      -        -  -                   USED_BY_PENDING_TASK, CAPTURED_IN_OBJECT\n");
  }
  TEST_CASE("what keeps an object that nobody refers to is told") {
    MemoryRow row;
    row.id = "0d";
    row.state = refs::State::kSealed;
    row.retained = 7;
    CHECK(memory_text("demo", {row}, 1).find("NAMED, WEAKLY_HELD, RETAINED") != std::string::npos);
    CHECK(memory_json("demo", {row})["objects"][0]["references"] == json({"NAMED", "WEAKLY_HELD", "RETAINED"}));
  }
  TEST_CASE("rows beyond the limit are counted, and the totals are those of all") {
    const std::string text = memory_text("demo", {held_row(), pending_row(), pending_row()}, 1);
    CHECK(text.find("3 objects, 2 KiB") != std::string::npos);
    CHECK(text.find("... and 2 more") != std::string::npos);
    CHECK(text.find("0c") == std::string::npos);
    CHECK(memory_text("demo", {held_row()}, 1).find("more") == std::string::npos);
  }
  TEST_CASE("an empty store is one line") {
    CHECK(memory_text("demo", {}, 100) == "Session demo: 0 objects, 0 bytes\n");
  }
  TEST_CASE("the JSON form has every object, and null for what is unknown") {
    const json all = memory_json("demo", {held_row(), pending_row()});
    CHECK(all["totals"] == json({{"objects", 2}, {"bytes", 2048}}));
    CHECK(all["objects"][0]["holders"][0] ==
          json({{"pid", 7}, {"kind", "driver"}, {"references", {"LOCAL_REFERENCE", "PINNED_IN_MEMORY"}}}));
    CHECK(all["objects"][0]["age_ms"] == 1500);
    CHECK(all["objects"][1]["age_ms"].is_null());
    CHECK(all["objects"][1]["creator_pid"].is_null());
    CHECK(all["objects"][1]["task_references"] == 1);
    CHECK(all["objects"][1]["references"] == json({"USED_BY_PENDING_TASK", "CAPTURED_IN_OBJECT"}));
  }
}
