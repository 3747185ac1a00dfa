// tools/report.h: what `mobula report` tells of a session: its past and its present, with all names looked up.
//   Layout     times are seconds since the session began
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/svg_plot.h"

namespace mobula::tools {

// Bytes of one call site, or of one process, over the time of the samples.
struct ReportShare {
  std::string name;
  std::string detail;  // the whole path, or the command line
  std::vector<std::uint64_t> bytes;
  std::vector<std::uint64_t> objects;
  bool is_rest = false;  // of all that have no share of their own
};
struct ReportSample {
  double at = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t objects = 0;
  std::uint64_t references = 0;
  std::uint64_t freed = 0;
  std::uint64_t evictions = 0;
  std::uint64_t tasks_waiting = 0;
  std::uint64_t tasks_running = 0;
};

struct ReportProcess {
  std::uint32_t pid = 0;
  std::string kind;     // driver, worker, actor
  std::string command;  // "" when it is not to be had
  std::uint64_t tasks_run = 0;
  std::string runs;           // the function that it runs now
  double runs_since = 0;      // when it runs something
  std::uint64_t objects = 0;  // that it holds
  std::uint64_t bytes = 0;    // of those
};
struct ReportDeath {
  double at = 0;
  std::uint32_t pid = 0;
  std::string kind;
  std::string how;
  std::string runs;     // what it ran
  bool is_bad = false;  // nobody had asked for it
};
struct ReportEviction {
  double at = 0;
  std::string object;
  std::uint64_t bytes = 0;
  std::string why;  // it had been kept
};
// What was made at one place and is there now.
struct ReportHolding {
  std::string site;
  std::string detail;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::int64_t oldest_ms = -1;       // -1: unknown
  std::vector<std::string> holders;  // those of the most bytes first
  std::uint64_t holders_left_out = 0;
};
// What nothing has needed for some time, made at one place and kept by one process for one reason.
struct ReportLeak {
  std::string site;
  std::string detail;
  std::string keeper;    // "worker 12"
  std::string taken_at;  // by that one
  std::string why;
  std::string to_free;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::int64_t idle_ms = 0;  // the longest
};
struct ReportActivity {
  std::uint32_t pid = 0;
  double begin = 0;
  double end = 0;
  std::string what;  // the function, or where it waited
  bool is_wait = false;
  std::string end_how;  // done, threw, failed, running
};

struct Report {
  std::string session;
  std::string maker;    // "mobula 1.2.3"
  std::string made_at;  // "2026-01-31 12:00:00 UTC"
  std::string began_at;
  double age_seconds = 0;
  std::uint32_t raylet_pid = 0;
  std::string raylet_command;
  std::uint64_t capacity_bytes = 0;
  std::uint64_t evicted_bytes = 0;
  std::uint64_t deaths = 0;          // in all: the list has the newest
  std::uint64_t evictions = 0;       // the same
  std::uint64_t samples_before = 0;  // that are not kept any more
  std::string ledgers;
  bool ledgers_agree = true;
  std::string bytes_ledger;
  std::vector<ReportSample> samples;  // oldest first; the last one is of now
  std::vector<ReportShare> sites;     // one number for each sample; largest first, the rest last
  std::vector<ReportShare> holders;
  std::vector<ReportProcess> processes;
  std::vector<ReportActivity> activities;     // of one process after another, by begin
  std::vector<ReportDeath> death_list;        // newest first
  std::vector<ReportEviction> eviction_list;  // newest first
  std::string leak_age;                       // how long nothing has needed them
  std::vector<ReportLeak> leaks;              // most bytes first
  std::vector<ReportHolding> holdings;        // most bytes first
  std::uint64_t holdings_left_out = 0;
};

}  // namespace mobula::tools
