// tools/top.h: what a session does now: bytes, references, who runs what, and the call sites that hold most.
//   Threads    any thread. Reads the segment only, and asks nobody
//   Errors     what clients wrote is their own word: times that cannot be are shown as 0
//   Cost       a look: O(entries + rows)
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mobula/runtime.h"
#include "segment/segment.h"
#include "tools/processes.h"

namespace mobula::tools {

constexpr std::size_t kSitesShown = 10;

struct SiteTotal {
  std::string site;  // "unknown" for what has none
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

struct TopProcess {
  ClientFacts facts;
  std::string function;         // of what it runs; "" = nothing
  std::int64_t running_ns = 0;  // since when
  std::uint64_t objects = 0;
  std::uint64_t handles = 0;
};

struct TopLook {
  std::int64_t at_ns = 0;  // since the session's start
  runtime::StoreStats stats;
  std::vector<TopProcess> processes;  // alive, by pid
  std::vector<SiteTotal> sites;       // the largest first, at most kSitesShown
  std::uint64_t deaths = 0;
};

TopLook take_top_look(const segment::Segment &segment, std::int64_t now_ns);

// Tasks a second of each process of `now`, since `before`; of one that came meanwhile, since it came at the earliest.
std::vector<double> task_rates(const TopLook &before, const TopLook &now);

struct TopTitle {
  std::string session;
  int raylet_pid = 0;
};
std::string top_text(const TopTitle &title, const TopLook &before, const TopLook &now);
nlohmann::json top_json(const TopTitle &title, const TopLook &before, const TopLook &now);

// A frame for a terminal: each line cut to `columns`, at most `rows` of them, and what was there before removed.
std::string terminal_frame(const std::string &text, std::size_t columns, std::size_t rows);

}  // namespace mobula::tools
