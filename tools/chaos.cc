#include "tools/chaos.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/units.h"
#include "tools/chaos_session.h"
#include "tools/doctor.h"
#include "tools/signal_inbox.h"
#include "tools/table.h"

namespace mobula::tools {
namespace {

constexpr std::int64_t kLookNs = base::kNanosecondsPerSecond / kLooksPerSecond;

std::int64_t in_ns(std::int64_t ms) { return ms * base::kNanosecondsPerMillisecond; }

class ChaosRun {
 public:
  ChaosRun(const ChaosOptions &options, std::int64_t progress_ms, std::ostream &progress)
      : options_(options), progress_ns_(in_ns(progress_ms)), progress_(progress), plan_(options.rates, options.seed) {}

  Status run(ChaosResult *result);

 private:
  // A worker that was stopped and when it is to go on.
  struct Stopped {
    base::File process;
    std::int64_t until_ns;
  };

  Status run_programs();
  Status start_when_due(std::int64_t now_ns);
  void strike_when_due(std::int64_t now_ns);
  void strike(const Strike &strike, std::int64_t now_ns);
  void let_go_on(std::int64_t now_ns);
  void look_when_due(std::int64_t now_ns);
  void tell(std::int64_t now_ns);
  void wait(std::int64_t until_ns);
  void end_programs();
  void settle();
  bool is_over(std::int64_t now_ns) const { return interrupts_ != 0 || now_ns >= end_ns_; }
  Status judge(ChaosResult *result);
  void report_watch(ChaosResult *result) const;

  const ChaosOptions &options_;
  const std::int64_t progress_ns_;
  std::ostream &progress_;
  SignalInbox signals_;
  ChaosSession session_;
  StrikePlan plan_;
  std::unique_ptr<ChaosRuns> runs_;
  std::unique_ptr<ChaosWatch> watch_;
  std::vector<Stopped> stopped_;
  std::uint64_t strikes_[kStrikeKinds] = {};
  std::uint64_t strikes_missed_ = 0;
  std::int64_t started_ns_ = 0;
  std::int64_t end_ns_ = 0;
  std::int64_t next_look_ns_ = 0;
  std::int64_t next_progress_ns_ = 0;
  int interrupts_ = 0;
  bool has_raylet_ended_ = false;
};

Status ChaosRun::run(ChaosResult *result) {
  StartOptions start = options_.start;
  if (start.session.empty()) start.session = fmt::format("chaos-{}", getpid());
  if (Status status = session_.start(start)) return status;
  result->session = start.session;
  result->seed = options_.seed;
  started_ns_ = base::monotonic_ns();
  end_ns_ = started_ns_ + in_ns(options_.duration_ms);
  next_progress_ns_ = started_ns_ + progress_ns_;
  runs_ = std::make_unique<ChaosRuns>(options_.program, start.session);
  watch_ = std::make_unique<ChaosWatch>(session_.segment(), started_ns_);
  progress_ << fmt::format("Session {}: raylet pid {}, seed {}, for {}\n", start.session, session_.raylet_pid(),
                           options_.seed, format_age(options_.duration_ms))
            << std::flush;
  Status trouble = run_programs();
  result->seconds = static_cast<double>(base::monotonic_ns() - started_ns_) / base::kNanosecondsPerSecond;
  result->was_interrupted = interrupts_ != 0;
  end_programs();
  if (trouble == nullptr) {
    settle();
    trouble = judge(result);
  }
  report_watch(result);
  session_.stop();
  return trouble;
}

Status ChaosRun::run_programs() {
  for (std::int64_t now_ns = base::monotonic_ns(); !is_over(now_ns); now_ns = base::monotonic_ns()) {
    if (Status status = start_when_due(now_ns)) return status;
    strike_when_due(now_ns);
    let_go_on(now_ns);
    look_when_due(now_ns);
    std::int64_t until_ns = std::min(end_ns_, next_look_ns_);
    if (!runs_->is_running()) until_ns = std::min(until_ns, runs_->next_start_ns());
    if (plan_.next_at_ns()) until_ns = std::min(until_ns, started_ns_ + *plan_.next_at_ns());
    for (const Stopped &one : stopped_) until_ns = std::min(until_ns, one.until_ns);
    wait(until_ns);
    if (has_raylet_ended_) {
      return base::failure(Code::kRayletDied, fmt::format("the raylet of session '{}' ended under way: this should not "
                                                          "happen whatever is killed, unless it was the raylet itself",
                                                          session_.name()));
    }
  }
  return nullptr;
}

Status ChaosRun::start_when_due(std::int64_t now_ns) {
  if (runs_->is_running() || now_ns < runs_->next_start_ns()) return nullptr;
  const bool is_suspect = watch_->drivers() == 0 && runs_->failures_in_a_row() >= kFailuresWithoutSession;
  if (is_suspect) watch_->look(now_ns);
  if (is_suspect && watch_->drivers() == 0) {
    const FailedRun &failure = runs_->last_failure();
    return base::failure(
        Code::kInvalidArgument,
        fmt::format("'{}' cannot be run: {} runs in a row ended with {} and joined no session. Its last "
                    "lines:\n{}",
                    options_.program[0], runs_->failures_in_a_row(), failure.how, failure.tail));
  }
  return runs_->start(now_ns);
}

// --- strikes ---------------------------------------------------------------------------------------------------------

void ChaosRun::strike_when_due(std::int64_t now_ns) {
  while (plan_.next_at_ns() && started_ns_ + *plan_.next_at_ns() <= now_ns) strike(*plan_.take(), now_ns);
}

void ChaosRun::strike(const Strike &strike, std::int64_t now_ns) {
  std::optional<base::File> victim = session_.choose(strike);
  const int number = strike.kind == StrikeKind::kStopWorker ? SIGSTOP : SIGKILL;
  if (!victim || syscall(SYS_pidfd_send_signal, victim->get(), number, nullptr, 0) != 0) {
    ++strikes_missed_;
    return;
  }
  ++strikes_[static_cast<std::size_t>(strike.kind)];
  if (strike.kind == StrikeKind::kKillDriver) runs_->note_strike();
  if (strike.kind == StrikeKind::kStopWorker) stopped_.push_back({std::move(*victim), now_ns + in_ns(strike.pause_ms)});
}

void ChaosRun::let_go_on(std::int64_t now_ns) {
  std::erase_if(stopped_, [now_ns](const Stopped &one) {
    if (one.until_ns > now_ns) return false;
    syscall(SYS_pidfd_send_signal, one.process.get(), SIGCONT, nullptr, 0);
    return true;
  });
}

// --- watching --------------------------------------------------------------------------------------------------------

void ChaosRun::look_when_due(std::int64_t now_ns) {
  if (now_ns < next_look_ns_) return;
  watch_->look(now_ns);
  session_.collect_orphans(runs_->child().pid());
  next_look_ns_ = std::max(next_look_ns_ + kLookNs, now_ns + kLookNs / 2);
  if (now_ns >= next_progress_ns_) tell(now_ns);
}

void ChaosRun::tell(std::int64_t now_ns) {
  next_progress_ns_ = std::max(next_progress_ns_ + progress_ns_, now_ns);
  const ChaosPoint &last = watch_->last();
  progress_ << fmt::format("{:6.1f} s  {}  killed {} and {}, stopped {}  {}, {}, {}  {}\n", last.seconds,
                           format_count(runs_->counts().started, "run"), format_count(strikes_[0], "worker"),
                           format_count(strikes_[1], "driver"), format_count(strikes_[2]),
                           base::format_bytes(last.used_bytes), format_count(last.objects, "object"),
                           format_count(last.references, "reference"), format_count(watch_->tasks(), "task"))
            << std::flush;
}

// Until then, a signal, the program's end or output, or the raylet's end.
void ChaosRun::wait(std::int64_t until_ns) {
  const ChildProcess &child = runs_->child();
  const bool is_running = runs_->is_running();
  signals_.wait_until(until_ns, session_.raylet_pidfd(), is_running ? child.pidfd() : -1,
                      is_running ? child.output() : -1);
  if (signals_.take()) ++interrupts_;
  runs_->read_output();
  runs_->collect();
  siginfo_t info{};
  const int code = waitid(P_PID, static_cast<id_t>(session_.raylet_pid()), &info, WEXITED | WNOHANG | WNOWAIT);
  has_raylet_ended_ = code == 0 && info.si_pid == session_.raylet_pid();
}

// --- the end ---------------------------------------------------------------------------------------------------------

void ChaosRun::end_programs() {
  let_go_on(INT64_MAX);
  const int before = interrupts_;
  if (runs_->is_running()) progress_ << "Ending the last run\n" << std::flush;
  runs_->ask_to_end(SIGTERM);
  const std::int64_t grace_end_ns = base::monotonic_ns() + in_ns(kGraceMs);
  while (runs_->is_running() && interrupts_ == before && base::monotonic_ns() < grace_end_ns) wait(grace_end_ns);
  runs_->ask_to_end(SIGKILL);
  while (runs_->is_running()) wait(base::monotonic_ns() + kLookNs);
  session_.kill_others();
}

// Until nothing is left, or what is left does not change any more. A signal ends it.
void ChaosRun::settle() {
  progress_ << "Waiting until the raylet has taken back what the dead held\n" << std::flush;
  const int before = interrupts_;
  std::int64_t now_ns = base::monotonic_ns();
  const std::int64_t limit_ns = now_ns + in_ns(kSettleMsMax);
  std::int64_t still_since_ns = now_ns;
  std::uint64_t seen = ~std::uint64_t{0};
  for (; now_ns < limit_ns && interrupts_ == before && !has_raylet_ended_; now_ns = base::monotonic_ns()) {
    watch_->look(now_ns);
    const segment::SegmentHeader &header = session_.segment().header();
    const bool has_dead = watch_->drivers_alive() != 0 || watch_->reaped_now() != 0;
    const std::uint64_t now_seen = header.freed.load() + header.deaths.load() + header.evictions.load();
    if (std::exchange(seen, now_seen) != now_seen || has_dead) still_since_ns = now_ns;
    const std::int64_t still_ms = (now_ns - still_since_ns) / base::kNanosecondsPerMillisecond;
    if (still_ms >= (watch_->busy_now() != 0 ? kStillBusyMs : kStillMs)) return;
    if (!has_dead && watch_->last().objects == 0 && watch_->last().references == 0) return;
    wait(now_ns + kLookNs / 2);
  }
}

Status ChaosRun::judge(ChaosResult *result) {
  watch_->look(base::monotonic_ns());
  result->left = find_left(session_.segment(), session_.name(), base::monotonic_ns());
  return examine(session_.raylet_pid(), &result->audit);
}

void ChaosRun::report_watch(ChaosResult *result) const {
  result->runs = runs_->counts();
  result->last_failure = runs_->last_failure();
  std::copy(std::begin(strikes_), std::end(strikes_), std::begin(result->strikes));
  result->strikes_missed = strikes_missed_;
  result->drivers = watch_->drivers();
  result->tasks = watch_->tasks();
  result->deaths = watch_->deaths();
  result->deaths_missed = watch_->deaths_missed();
  result->death_times = watch_->death_times();
  result->points = watch_->points();
  result->peak = watch_->peak();
}

}  // namespace

Status run_chaos(const ChaosOptions &options, std::int64_t progress_ms, std::ostream &progress, ChaosResult *result) {
  return ChaosRun(options, progress_ms, progress).run(result);
}

}  // namespace mobula::tools
