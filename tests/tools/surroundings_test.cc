#include "tools/surroundings.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "segment/test_segment.h"

namespace mobula::tools {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/mobula-surroundings-XXXXXX";
    path = mkdtemp(name);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string &name, const std::string &text) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name) << text;
  }
  std::filesystem::path path;
};

pid_t dead_pid() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
  return pid;
}

}  // namespace

TEST_SUITE("tools/surroundings") {
  TEST_CASE("the least limit of a control group and of those above it counts, in both versions") {
    const Folder groups;
    CHECK(memory_limit(groups.path, "0::/a/b\n") == kNoLimit);
    groups.write("a/memory.max", "2000\n");
    groups.write("a/b/memory.max", "max\n");
    CHECK(memory_limit(groups.path, "0::/a/b\n") == 2000);
    groups.write("a/b/memory.max", "1000\n");
    CHECK(memory_limit(groups.path, "0::/a/b\n") == 1000);
    groups.write("memory/c/memory.limit_in_bytes", "500\n");
    CHECK(memory_limit(groups.path, "5:cpu:/x\n4:memory:/c\n0::/a/b\n") == 500);
    CHECK(memory_limit(groups.path, "nonsense\n::\n") == kNoLimit);
  }

  TEST_CASE("of a process that lives everything is there") {
    const auto segment = segment::create_segment();
    const Surroundings facts = read_surroundings("demo", getpid(), *segment);
    CHECK(facts.session == "demo");
    CHECK(facts.capacity_bytes == segment->capacity_bytes());
    CHECK_FALSE(facts.raylet_is_stopped);
    CHECK_FALSE(facts.raylet_was_replaced);
    CHECK(facts.available_bytes != kNoLimit);
    CHECK(facts.descriptors >= 3);
    CHECK(facts.descriptors_max != kNoLimit);
  }

  TEST_CASE("a folder is stale when the process that locked it is gone") {
    const Folder runtime;
    const char *const before = std::getenv("XDG_RUNTIME_DIR");
    const std::string kept = before == nullptr ? "" : before;
    setenv("XDG_RUNTIME_DIR", runtime.path.c_str(), 1);
    runtime.write("mobula/dead/lock", std::to_string(dead_pid()));
    runtime.write("mobula/living/lock", std::to_string(getpid()));
    runtime.write("mobula/beginning/lock", "");
    std::filesystem::permissions(runtime.path / "mobula", std::filesystem::perms::owner_all);
    const auto segment = segment::create_segment();
    CHECK(read_surroundings("demo", getpid(), *segment).stale_sessions == std::vector<std::string>{"dead"});
    if (before == nullptr)
      unsetenv("XDG_RUNTIME_DIR");
    else
      setenv("XDG_RUNTIME_DIR", kept.c_str(), 1);
  }
}

}  // namespace mobula::tools
