#include "objects/reaper.h"

#include <algorithm>

namespace mobula::objects {
namespace {

constexpr std::int64_t kNanosecondsPerMicrosecond = 1000;

constexpr ReapStep after(ReapStep step) { return static_cast<ReapStep>(static_cast<std::uint8_t>(step) + 1); }

}  // namespace

bool Reaper::died(std::uint32_t client, std::int32_t process_end, std::int64_t now_ns) {
  if (is_reaping(client)) return false;
  deaths_.push_back({{ReapStep::kDrain, client, process_end, 0}, now_ns});
  return true;
}

std::optional<ReapAction> Reaper::next() const {
  if (!deaths_.empty()) return deaths_.front().action;
  if (!sweeps_.empty()) return sweeps_.front().action;
  return std::nullopt;
}

std::deque<Reaper::Death> &Reaper::current() { return deaths_.empty() ? sweeps_ : deaths_; }

void Reaper::go_on_from(std::uint64_t position) { current().front().action.position = position; }

void Reaper::finished(std::int64_t now_ns) {
  std::deque<Death> &queue = current();
  Death death = queue.front();
  const ReapStep done = death.action.step;
  death.action.step = after(done);
  death.action.position = 0;
  if (done == ReapStep::kFree) note_time(now_ns - death.seen_ns);
  if (done != ReapStep::kDetach && done != ReapStep::kReuse) {
    queue.front() = death;
    return;
  }
  queue.pop_front();
  if (done == ReapStep::kDetach) sweeps_.push_back(death);
}

bool Reaper::is_reaping(std::uint32_t client) const {
  const auto is_it = [client](const Death &death) { return death.action.client == client; };
  return std::any_of(deaths_.begin(), deaths_.end(), is_it) || std::any_of(sweeps_.begin(), sweeps_.end(), is_it);
}

void Reaper::note_time(std::int64_t elapsed_ns) {
  const std::int64_t elapsed_us = elapsed_ns / kNanosecondsPerMicrosecond;
  ++count_;
  max_us_ = std::max(max_us_, elapsed_us);
  if (times_us_.size() < kReapTimesKept)
    times_us_.push_back(elapsed_us);
  else
    times_us_[next_time_++ % kReapTimesKept] = elapsed_us;
}

ReapFigures Reaper::figures() const {
  ReapFigures figures;
  figures.count = count_;
  figures.max_us = max_us_;
  if (times_us_.empty()) return figures;
  std::vector<std::int64_t> sorted = times_us_;
  std::sort(sorted.begin(), sorted.end());
  figures.p50_us = sorted[sorted.size() / 2];
  figures.p99_us = sorted[sorted.size() * 99 / 100];
  return figures;
}

}  // namespace mobula::objects
