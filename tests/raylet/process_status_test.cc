#include "raylet/process_status.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

namespace mobula::raylet {
namespace {

struct Ended {
  pid_t pid = 0;
  base::File pidfd;
};

// A process that has ended by `end` and that nobody has waited for.
template <typename End>
Ended ended_by(End end) {
  Ended ended;
  ended.pid = fork();
  if (ended.pid == 0) {
    end();
    _exit(0);
  }
  ended.pidfd = base::File(static_cast<int>(syscall(SYS_pidfd_open, ended.pid, 0)));
  pollfd gone{ended.pidfd.get(), POLLIN, 0};
  REQUIRE(poll(&gone, 1, 10'000) == 1);
  return ended;
}

TEST_SUITE("raylet/process_status") {
  TEST_CASE("the exit status and the signal are told of a process that nobody has waited for") {
    const Ended exited = ended_by([] { _exit(7); });
    std::optional<int> status = status_of_ended(exited.pid, exited.pidfd.get());
    REQUIRE(status.has_value());
    CHECK(WIFEXITED(*status));
    CHECK(WEXITSTATUS(*status) == 7);
    const Ended killed = ended_by([] { ::raise(SIGKILL); });
    status = status_of_ended(killed.pid, killed.pidfd.get());
    REQUIRE(status.has_value());
    CHECK(WIFSIGNALED(*status));
    CHECK(WTERMSIG(*status) == SIGKILL);
    for (const pid_t pid : {exited.pid, killed.pid}) waitpid(pid, nullptr, 0);
  }

  TEST_CASE("of one that was waited for it is told where the kernel keeps it, and never wrongly") {
    const Ended exited = ended_by([] { _exit(7); });
    waitpid(exited.pid, nullptr, 0);
    const std::optional<int> status = status_of_ended(exited.pid, exited.pidfd.get());
    if (status) CHECK(WEXITSTATUS(*status) == 7);
  }
}

}  // namespace
}  // namespace mobula::raylet
