// tools/chaos.h: a program under kills: runs it again and again in a session of its own, and looks what stays.
//   Threads    one thread; SIGINT, SIGTERM and SIGHUP are blocked meanwhile and end the run in order
//   Process    everything that it starts is its descendant (PR_SET_CHILD_SUBREAPER), only descendants are killed, and
//              all of them are gone when it returns
//   Errors     a Status when the session or the program cannot be run, or the raylet ends under way: nothing is judged
//   Cost       the watch looks at the whole segment kLooksPerSecond times a second
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "objects/audit.h"
#include "tools/chaos_left.h"
#include "tools/chaos_runs.h"
#include "tools/chaos_watch.h"
#include "tools/start.h"
#include "tools/strike_plan.h"

namespace mobula::tools {

constexpr int kLooksPerSecond = 10;
constexpr std::int64_t kGraceMs = 5000;                // between SIGTERM and SIGKILL for the last run
constexpr std::int64_t kSettleMsMax = 20'000;          // for the raylet to take back what the dead held
constexpr std::int64_t kStillMs = 1000;                // what has not changed for so long stays
constexpr std::int64_t kStillBusyMs = 6000;            // while tasks run: one that is to end is killed after 5 s
constexpr std::uint64_t kFailuresWithoutSession = 10;  // runs in a row that fail and never join: it cannot be run

struct ChaosOptions {
  std::vector<std::string> program;
  std::int64_t duration_ms = 0;
  StrikeRates rates;
  std::uint64_t seed = 0;
  StartOptions start;  // session "": a name of its own
};

struct ChaosResult {
  std::string session;
  std::uint64_t seed = 0;
  double seconds = 0;
  bool was_interrupted = false;
  RunCounts runs;
  FailedRun last_failure;
  std::uint64_t strikes[kStrikeKinds] = {};
  std::uint64_t strikes_missed = 0;  // nobody was there to be struck
  std::uint64_t drivers = 0;         // that joined the session
  std::uint64_t tasks = 0;
  std::uint64_t deaths_missed = 0;
  std::map<std::string, std::uint64_t> deaths;
  std::vector<std::pair<double, std::string>> death_times;
  std::vector<ChaosPoint> points;
  ChaosPoint peak;
  objects::Audit audit;
  Left left;
};

// One line on `progress` each `progress_ms`.
Status run_chaos(const ChaosOptions &options, std::int64_t progress_ms, std::ostream &progress, ChaosResult *result);

}  // namespace mobula::tools
