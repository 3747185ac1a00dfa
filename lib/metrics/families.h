// metrics/families.h: a session's figures as Prometheus names and writes them. Pure.
//   Threads    any thread
//   Cost       O(1): the number of samples does not depend on what the session holds
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/session_scan.h"

namespace prometheus {
struct MetricFamily;
}

namespace mobula::metrics {

// What goes with the figures: which session, and when it is.
struct Scrape {
  std::string session;
  std::int64_t now_ns = 0;   // CLOCK_MONOTONIC
  std::int64_t wall_ns = 0;  // since 1970
};

// Every sample has the label "session", so that several of one machine may lie in one file.
std::vector<prometheus::MetricFamily> families_of(const SessionFigures &figures, const Scrape &scrape);
// The same in the text format, version 0.0.4.
std::string text_of(const SessionFigures &figures, const Scrape &scrape);

}  // namespace mobula::metrics
