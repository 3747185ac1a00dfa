#include "tools/chaos_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "objects/figures.h"
#include "tools/processes.h"

namespace mobula::tools {
namespace {

double seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / static_cast<double>(base::kNanosecondsPerSecond);
}

}  // namespace

void ChaosWatch::look(std::int64_t now_ns) {
  look_at_store(now_ns);
  look_at_clients();
  look_at_deaths();
}

void ChaosWatch::look_at_store(std::int64_t now_ns) {
  const runtime::StoreStats stats = objects::read_store_stats(segment_);
  last_ = {seconds_between(started_ns_, now_ns), stats.used_bytes, stats.objects, stats.references()};
  if (last_.used_bytes > peak_.used_bytes) peak_.seconds = last_.seconds;
  peak_.used_bytes = std::max(peak_.used_bytes, last_.used_bytes);
  peak_.objects = std::max(peak_.objects, last_.objects);
  peak_.references = std::max(peak_.references, last_.references);
  if (looks_++ % looks_per_point_ == 0) keep(last_);
}

// Of two points that are drawn as one the larger stays: peaks are what the curve is for.
void ChaosWatch::keep(const ChaosPoint &point) {
  points_.push_back(point);
  if (points_.size() < kPointsMax) return;
  for (std::size_t i = 0; i < points_.size() / 2; ++i) {
    const ChaosPoint &a = points_[2 * i];
    const ChaosPoint &b = points_[2 * i + 1];
    points_[i] = {a.seconds, std::max(a.used_bytes, b.used_bytes), std::max(a.objects, b.objects),
                  std::max(a.references, b.references)};
  }
  points_.resize(points_.size() / 2);
  looks_per_point_ *= 2;
}

void ChaosWatch::look_at_clients() {
  drivers_alive_ = reaped_now_ = busy_now_ = 0;
  for (const ClientFacts &client : read_clients(segment_)) {
    auto &[generation, tasks] = tasks_of_[client.client];
    if (generation != client.generation) tasks_of_gone_ += std::exchange(tasks, 0);
    generation = client.generation;
    tasks = std::max(tasks, client.tasks_run);
    reaped_now_ += client.is_reaped && client.kind != segment::ClientKind::kNone ? 1 : 0;
    if (!is_in_session(client)) continue;
    busy_now_ += client.task ? 1 : 0;
    if (client.kind != segment::ClientKind::kDriver) continue;
    ++drivers_alive_;
    drivers_.insert(client.pid);
  }
}

void ChaosWatch::look_at_deaths() {
  for (const objects::DeathRecord &death : objects::read_deaths(segment_)) {
    if (death.number <= deaths_read_) continue;
    deaths_missed_ += death.number - deaths_read_ - 1;
    deaths_read_ = death.number;
    if (death.kind == segment::ClientKind::kDriver) drivers_.insert(death.pid);
    const std::string kind = death.is_actor ? "actor" : segment::name_of(death.kind);
    const std::string text = fmt::format("{}: {}", kind, objects::describe(death));
    ++deaths_[text];
    if (death_times_.size() < kDeathsShown) {
      death_times_.emplace_back(seconds_between(started_ns_, death.ended_ns),
                                fmt::format("pid {} {}", death.pid, text));
    }
  }
}

std::uint64_t ChaosWatch::tasks() const {
  std::uint64_t tasks = tasks_of_gone_;
  for (const auto &[client, of] : tasks_of_) tasks += of.second;
  return tasks;
}

}  // namespace mobula::tools
