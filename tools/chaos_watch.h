// tools/chaos_watch.h: what a chaos run sees of its session: figures over time, deaths, tasks.
//   Threads    one thread. Reads the segment only, and asks nobody
//   Errors     deaths beyond those that the segment keeps are counted only; tasks of a process that came and went
//              between two looks are not seen
//   Cost       a look: O(entries + rows). Points: at most kPointsMax, then every second one is dropped
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "objects/history.h"
#include "segment/segment.h"

namespace mobula::tools {

constexpr std::size_t kPointsMax = 1200;
constexpr std::size_t kDeathsShown = 2000;  // as marks of the plot

struct ChaosPoint {
  double seconds = 0;  // since the run's start
  std::uint64_t used_bytes = 0;
  std::uint64_t objects = 0;
  std::uint64_t references = 0;  // handles, and the raylet's for tasks and containers
};

class ChaosWatch {
 public:
  ChaosWatch(const segment::Segment &segment, std::int64_t started_ns) : segment_(segment), started_ns_(started_ns) {}

  void look(std::int64_t now_ns);

  const std::vector<ChaosPoint> &points() const { return points_; }
  const ChaosPoint &last() const { return last_; }
  // The largest of each figure; its time is that of the bytes.
  const ChaosPoint &peak() const { return peak_; }
  // "worker: killed by SIGKILL" -> how many.
  const std::map<std::string, std::uint64_t> &deaths() const { return deaths_; }
  const std::vector<std::pair<double, std::string>> &death_times() const { return death_times_; }
  std::uint64_t deaths_missed() const { return deaths_missed_; }
  std::uint64_t tasks() const;
  // Drivers that have joined so far.
  std::uint64_t drivers() const { return drivers_.size(); }

  // Drivers that have not ended; processes that are being reaped; tasks that run.
  std::size_t drivers_alive() const { return drivers_alive_; }
  std::size_t reaped_now() const { return reaped_now_; }
  std::size_t busy_now() const { return busy_now_; }

 private:
  void look_at_store(std::int64_t now_ns);
  void look_at_clients();
  void look_at_deaths();
  void keep(const ChaosPoint &point);

  const segment::Segment &segment_;
  const std::int64_t started_ns_;
  std::vector<ChaosPoint> points_;
  std::uint64_t looks_ = 0;
  std::uint64_t looks_per_point_ = 1;
  ChaosPoint last_;
  ChaosPoint peak_;
  std::uint64_t deaths_read_ = 0;
  std::uint64_t deaths_missed_ = 0;
  std::map<std::string, std::uint64_t> deaths_;
  std::vector<std::pair<double, std::string>> death_times_;
  std::map<std::uint32_t, std::pair<std::uint32_t, std::uint64_t>> tasks_of_;  // client -> its generation and tasks
  std::uint64_t tasks_of_gone_ = 0;
  std::set<std::uint32_t> drivers_;  // their pids: of those that come and go between two looks only the death is seen
  std::size_t drivers_alive_ = 0;
  std::size_t reaped_now_ = 0;
  std::size_t busy_now_ = 0;
};

}  // namespace mobula::tools
