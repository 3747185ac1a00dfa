#include "tools/chaos_runs.h"

#include <doctest/doctest.h>
#include <signal.h>

#include "base/clock.h"
#include "tools/signal_inbox.h"

using namespace mobula;
using namespace mobula::tools;

namespace {

// Runs a shell's words to their end.
ChaosRuns run(const std::string &words, bool is_struck = false, int end_signal = 0) {
  ChaosRuns runs({"/bin/sh", "-c", words}, "s");
  REQUIRE(runs.start(0) == nullptr);
  if (is_struck) runs.note_strike();
  if (end_signal != 0) runs.ask_to_end(end_signal);
  const std::int64_t limit_ns = base::monotonic_ns() + 10 * base::kNanosecondsPerSecond;
  const SignalInbox signals;
  while (runs.is_running() && base::monotonic_ns() < limit_ns) {
    signals.wait_until(limit_ns, runs.child().pidfd(), runs.child().output());
    runs.read_output();
    runs.collect();
  }
  REQUIRE_FALSE(runs.is_running());
  return runs;
}

}  // namespace

TEST_SUITE("tools/chaos_runs") {
  TEST_CASE("of a text the last lines are kept, without its end") {
    CHECK(tail_of("") == "");
    CHECK(tail_of("\n\n") == "");
    CHECK(tail_of("a\nb\n") == "a\nb");
    CHECK(tail_of("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11") == "2\n3\n4\n5\n6\n7\n8\n9\n10\n11");
  }
  TEST_CASE("a run that ends well, one that fails, one that was killed here, and the last one are told apart") {
    CHECK(run("exit 0").counts().ended_well == 1);
    const ChaosRuns failed = run("echo out; echo no beans >&2; exit 7");
    CHECK(failed.counts().failed == 1);
    CHECK(failed.last_failure().how == "exit status 7");
    CHECK(failed.last_failure().tail == "out\nno beans");
    CHECK(failed.failures_in_a_row() == 1);
    CHECK(run("kill -SEGV $$").last_failure().how == "killed by SIGSEGV");
    CHECK(run("exit 7", true).counts().struck == 1);
    CHECK(run("exec sleep 30", false, SIGTERM).counts().ended_last == 1);
  }
  TEST_CASE("the program is told its session, reads nothing, and what it leaves in its group ends with it") {
    CHECK(run("test \"$RAY_ADDRESS\" = s && ! read word").counts().ended_well == 1);
    const ChaosRuns runs = run("sleep 30 & echo $!");
    CHECK(runs.counts().ended_well == 1);
  }
  TEST_CASE("of much output the end is kept, and nobody waits for us to read") {
    const ChaosRuns runs = run("seq 1 200000; exit 3");
    CHECK(runs.last_failure().tail.ends_with("199999\n200000"));
    CHECK(runs.last_failure().tail.starts_with("199991\n"));
  }
  TEST_CASE("a program that is not there is an error at once") {
    ChaosRuns runs({"no-such-program"}, "s");
    const Status status = runs.start(0);
    REQUIRE(status != nullptr);
    CHECK(status->message == "cannot run 'no-such-program': No such file or directory");
  }
}
