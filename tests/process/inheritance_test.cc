// Programs that a driver or a task starts get nothing of ours: no descriptor, so no segment that they would keep alive.
#include <doctest/doctest.h>

#include <cstdio>

#include "process/session_case.h"

using namespace mobula::process;
using mobula::support::require;

namespace {

// Descriptors beyond the standard ones that a program started by this process finds open; its own way of looking apart.
std::string inherited() {
  std::FILE *const pipe =
      ::popen("for fd in /proc/self/fd/*; do case ${fd##*/} in 0|1|2) ;; *) readlink $fd;; esac; done", "r");
  require(pipe != nullptr, "popen");
  std::string names;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    const std::string name(line);
    // The shell's own look at the folder.
    if (name.find("/proc/") == std::string::npos) names += name;
  }
  ::pclose(pipe);
  return names;
}
std::string inherited_in_task() { return inherited(); }
RAY_REMOTE(inherited_in_task);

}  // namespace

TEST_CASE("a program that a driver or a task starts inherits no descriptor of ours") {
  CHECK(in_session([] {
    const std::string of_driver = inherited();
    require(of_driver.find("mobula") == std::string::npos && of_driver.find("/dev/shm") == std::string::npos &&
                of_driver.find("socket") == std::string::npos && of_driver.find("eventfd") == std::string::npos,
            "started by the driver: " + of_driver);
    const std::string of_task = *ray::Task(inherited_in_task).Remote().Get();
    require(of_task.empty(), "started by a task: " + of_task);
  }));
}
