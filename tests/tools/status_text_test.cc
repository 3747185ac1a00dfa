#include "tools/status_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mobula::tools;
using nlohmann::json;

TEST_SUITE("tools/status_text") {
  TEST_CASE("a whole status is one short page") {
    const json status = json::parse(R"({"session": "demo", "raylet": {"pid": 100, "workers": 2, "embedded": false},
      "store": {"capacity_bytes": 1048576, "used_bytes": 524288, "pooled_bytes": 1024, "objects": 1234,
                "referenced_objects": 1000, "pinned_objects": 2, "retained_objects": 4,
                "evictable_objects": 5, "evictions": 1, "freed": 7},
      "tasks": {"queued": 1, "running": 2, "finished": 3, "failed": 4}, "actors": 1234,
      "templates": [{"pid": 101, "program": "./prog", "ready": true}],
      "workers": [{"pid": 102, "state": "idle"}, {"pid": 103, "state": "busy"}, {"pid": 104, "state": "idle"}],
      "clients": [{"pid": 99, "kind": "driver", "objects_held": 1000},
                  {"pid": 103, "kind": "worker", "objects_held": 1}]})");
    CHECK(status_text(status) ==
          "Session   demo, raylet pid 100, up to 2 tasks at a time\n"
          "Store     512 KiB of 1 MiB used (50.0 %), 1 KiB ready for new objects\n"
          "Objects   1,234: 1,000 referenced, 2 pinned, 4 retained, 5 evictable; so far 7 freed, 1 evicted\n"
          "Tasks     1 queued, 2 running, 3 finished, 4 failed\n"
          "Actors    1,234\n"
          "Templates 1: pid 101 (./prog)\n"
          "Workers   3: 1 busy, 2 idle\n"
          "Clients   2\n"
          "  PID  KIND    STATE  OBJECTS HELD\n"
          "   99  driver  -             1,000\n"
          "  103  worker  busy              1\n");
  }
  TEST_CASE("where metrics are served is told, if they are") {
    const std::string text =
        status_text(json::parse(R"({"raylet": {"pid": 100, "workers": 2, "metrics_port": 9100}})"));
    CHECK(text.find("\nMetrics   http://127.0.0.1:9100/metrics\n") != std::string::npos);
  }
  TEST_CASE("what is missing, or of another type, counts as nothing") {
    const std::string nothing = status_text(json::object());
    CHECK(nothing.find("Store     0 bytes of 0 bytes used (0.0 %)") != std::string::npos);
    CHECK(status_text(json::parse(R"({"session": 5, "store": [], "tasks": {"queued": "many"}, "workers": {}})")) ==
          nothing);
  }
}
