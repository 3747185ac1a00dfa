#include "tools/snapshot.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tools/duration.h"

using namespace mobula;
using namespace mobula::tools;

namespace {

// A file name of our own, removed at the end.
struct File {
  File() {
    std::string folder = (std::filesystem::temp_directory_path() / "snapshot-XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    path = folder + "/before";
  }
  ~File() { std::filesystem::remove_all(std::filesystem::path(path).parent_path()); }
  std::string path;
};

}  // namespace

TEST_SUITE("tools/snapshot") {
  TEST_CASE("what was saved is loaded again") {
    const File file;
    const Snapshot saved = {{"a.cc:8 make()", {2, 300}}, {"", {1, 1}}};
    REQUIRE(save_snapshot(saved, file.path) == nullptr);
    Snapshot loaded;
    REQUIRE(load_snapshot(file.path, &loaded) == nullptr);
    REQUIRE(loaded.size() == 2);
    CHECK(loaded["a.cc:8 make()"].objects == 2);
    CHECK(loaded["a.cc:8 make()"].bytes == 300);
    CHECK(compare(saved, loaded).empty());
  }
  TEST_CASE("growth is told by line, the largest first; what has gone has a minus") {
    const std::vector<Growth> grown =
        compare({{"a", {1, 100}}, {"b", {1, 100}}, {"c", {1, 5}}}, {{"a", {3, 150}}, {"c", {1, 5}}, {"d", {1, 999}}});
    REQUIRE(grown.size() == 3);
    CHECK(grown[0].site == "d");
    CHECK(grown[1].site == "a");
    CHECK(grown[1].objects == 2);
    CHECK(grown[1].bytes == 50);
    CHECK(grown[2].site == "b");
    CHECK(grown[2].bytes == -100);
  }
  TEST_CASE("a file that is missing or something else is refused by name") {
    const File file;
    Snapshot loaded;
    CHECK(load_snapshot(file.path, &loaded)->message.find(file.path) != std::string::npos);
    for (const char *text : {"", "no json", "[]", "{}", R"({"format": "mobula snapshot 1"})", R"({"format": 3})"}) {
      std::ofstream(file.path) << text;
      CHECK(load_snapshot(file.path, &loaded) != nullptr);
    }
    std::ofstream(file.path)
        << R"({"format": "mobula snapshot 1", "sites": [3, {"site": 1}, {"site": "a", "bytes": -1}]})";
    CHECK(load_snapshot(file.path, &loaded) == nullptr);
    CHECK(loaded["a"].bytes == 0);
    CHECK(save_snapshot({}, file.path + "/below") != nullptr);
  }
  TEST_CASE("lengths of time are read with their units, and what is none is refused") {
    CHECK(parse_duration("60s") == 60'000'000'000);
    CHECK(parse_duration("0s") == 0);
    CHECK(parse_duration("250 ms") == 250'000'000);
    CHECK_FALSE(parse_duration("soon"));
    CHECK(check_duration("soon").find("'soon' is no length of time") == 0);
  }
}
