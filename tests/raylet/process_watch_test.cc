#include "raylet/process_watch.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>

namespace mobula::raylet {
namespace {

// A process that has ended and that nobody has collected.
pid_t ended_process() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  return pid;
}

TEST_SUITE("raylet/process_watch") {
  TEST_CASE("the end of a process is told once") {
    asio::io_context loop;
    const pid_t pid = ended_process();
    int told = 0;
    const auto watch = ProcessWatch::start(loop, pid, [&told] { ++told; });
    REQUIRE(watch != nullptr);
    loop.poll();
    CHECK(told == 1);
    waitpid(pid, nullptr, 0);
    CHECK(ProcessWatch::start(loop, pid, [] {}) == nullptr);
  }

  TEST_CASE("news that lie in the loop do not reach the watch of another process") {
    for (int round = 0; round < 20; ++round) {
      asio::io_context loop;
      const std::array<pid_t, 2> pids{ended_process(), ended_process()};
      std::array<std::shared_ptr<ProcessWatch>, 2> watches;
      std::shared_ptr<ProcessWatch> living;
      int living_ended = 0;
      int ended = 0;
      // Both are known to have ended; who is told first takes the other watch away and begins one of a living process.
      for (std::size_t i = 0; i < pids.size(); ++i) {
        watches[i] = ProcessWatch::start(loop, pids[i], [&, i] {
          ++ended;
          watches[1 - i].reset();
          living = ProcessWatch::start(loop, getpid(), [&living_ended] { ++living_ended; });
        });
      }
      loop.poll();
      CHECK(ended == 1);
      CHECK(living_ended == 0);
      for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
    }
  }
}

}  // namespace
}  // namespace mobula::raylet
