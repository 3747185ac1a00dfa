#include "raylet/raylet.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash_points.h"
#include "segment/bell.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kTurnsPerPoll = 16;  // while the rings are busy, sockets are looked at this often
constexpr std::uint64_t kCandidatesPerBusyTurn = 256;
constexpr std::uint32_t kTurnsWithCandidatesMax = 16;
// Longer than a small task and the wake-ups around it take: who runs one after the other need not wake the raylet.
constexpr std::uint32_t kLooksMax = 2000;
constexpr std::size_t kClientsPerLook = 8;  // whose rings can be looked at during one pause
constexpr int kProcessEndMsMax = 10'000;    // for a killed process to be gone

int new_event() {
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) base::throw_errno("eventfd");
  return event;
}

tasks::Quantities other_resources(const Options &options) {
  tasks::Quantities others = options.resources;
  if (options.gpus > 0) others[std::string(tasks::kGpu)] = std::int64_t{options.gpus} * tasks::kUnitsPerOne;
  return others;
}

void become_subreaper() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) base::throw_errno("prctl(PR_SET_CHILD_SUBREAPER)");
}

}  // namespace

Raylet::Raylet(Options options, std::unique_ptr<segment::Segment> segment, std::unique_ptr<SessionFolder> folder)
    : options_(std::move(options)),
      segment_(std::move(segment)),
      folder_(std::move(folder)),
      listener_(loop_, folder_->take_listener().release()),
      event_(loop_, new_event()),
      signals_(loop_, SIGCHLD, SIGTERM, SIGINT),
      store_(*segment_),
      clients_(*segment_),
      space_(store_, clients_),
      journal_(options_.session, store_, clients_),
      marks_(segment_->capacity_bytes(), options_.evict_above_percent, options_.evict_below_percent),
      templates_(loop_, folder_->socket_path(), options_.session, options_.descriptors_limit,
                 {.added = [this](Template &one) { static_cast<void>(tasks_.scheduler().template_added(one.number)); },
                  .failed = [this](Template &one, const std::string &why) { on_template_failed(one, why); },
                  .died = [this](Template &one) { on_template_died(one); }}),
      tasks_(store_, clients_, options_.workers,
             {.template_for = [this](std::uint64_t function, std::uint32_t job) { return template_for(function, job); },
              .start_workers =
                  [this](std::uint32_t number, std::uint32_t count) {
                    Template *const one = templates_.find(number);
                    if (one != nullptr) templates_.start_workers(*one, count);
                  },
              .kill = [this](Client &worker, segment::DeathCause cause) { kill(worker, cause); },
              .drain = [this](Client &worker) { drain(worker); },
              .is_job_alive = [this](std::uint32_t job) { return is_job_alive(job); },
              .detached_job = [this](std::uint32_t job) { return detached_job(job); },
              .detached_job_ended = [this](std::uint32_t job) { ended_jobs_.push_back(job); },
              .namespace_of = [this](std::uint32_t job) { return namespace_of(job); },
              .function_name = [this](std::uint64_t function) { return function_name(function); },
              .deadlocks_warn_only = options_.deadlocks_warn_only},
             other_resources(options_)),
      timer_(loop_),
      spin_(kLooksMax),
      entry_scan_(*segment_),
      sample_pace_(options_.sample_ms * base::kNanosecondsPerMillisecond) {}

Raylet::~Raylet() = default;

int Raylet::run() {
  become_subreaper();
  journal_.session_begins(options_);
  const auto *const shared = reinterpret_cast<std::byte *>(&segment_->header().life);
  const auto *const end = reinterpret_cast<std::byte *>(&segment_->client(base::kClientsMax));
  life_.emplace(&segment_->header().life, static_cast<std::size_t>(end - shared));
  accept_next();
  watch_event();
  watch_signals();
  if (options_.driver_socket >= 0) serve(base::File(options_.driver_socket), true);
  if (options_.libraries.empty() || options_.embedded)
    report_ready(nullptr);
  else
    templates_.start_workers(templates_.start_for_libraries(options_.libraries), options_.workers);
  machine_ran_out_of_memory();  // what was before is no news
  std::uint64_t turns = 0;
  while (!stopping_) {
    const bool scrapes = metrics_ && metrics_->step();
    if (turn() || scrapes) {
      if (++turns % kTurnsPerPoll != 0) continue;
      loop_.poll();
      sample_some(turns, Sampling::kWhenBusy);
      continue;
    }
    if (loop_.poll() != 0) continue;
    const auto cost = static_cast<std::uint32_t>(clients_.ids().size() / kClientsPerLook + 1);
    const bool has_time = entry_scan_.is_under_way() || !spin_.until([this] { return has_messages(); }, cost);
    if (has_time && !sample_some(turns, Sampling::kBeforeSleep)) sleep_until_event();
  }
  end_processes();
  life_->end();
  if (stop_requested_by_) stop_requested_by_->send(wire::StopReply{"stopped"});
  return failed_to_start_ ? 1 : 0;
}

// One pass over everything that is not a descriptor. True when there was something to do.
bool Raylet::turn() {
  bool any = drain_all();
  any |= do_due_work();
  any |= tasks_.act();
  any |= reap_some();
  // While messages keep coming, many are looked at together, after some turns at the latest: they cost less then.
  if (store_.has_candidates() && (!any || space_.is_short() || store_.candidates() >= kCandidatesPerBusyTurn ||
                                  ++turns_with_candidates_ >= kTurnsWithCandidatesMax)) {
    turns_with_candidates_ = 0;
    store_.free_batch(drainer());
    any = true;
  }
  // What one step of withdrawing gives back is not granted before the last: it would be withdrawn again.
  if (!store_.is_withdrawing()) any |= space_.serve();
  any |= set_pressure();
  if (store_.is_withdrawing()) {
    store_.withdraw_some();
    return true;
  }
  return make_room() || any;
}

// What handles that are gone, and the clock, make due.
bool Raylet::do_due_work() {
  const std::vector<std::uint64_t> freed = store_.take_freed_actors();
  if (!freed.empty()) tasks_.on_actors_freed(freed);
  for (const std::uint32_t job : std::exchange(ended_jobs_, {})) detached_job_ended(job);
  if (tasks_.may_have_unreachable()) end_unreachable_actors();
  const std::optional<std::int64_t> due_ns = tasks_.next_due_ns();
  if (!due_ns || *due_ns > base::monotonic_ns()) return !freed.empty();
  tasks_.on_time(base::monotonic_ns());
  return true;
}

// Wakes the loop when something is due; it has nothing else to do.
void Raylet::set_timer() {
  const std::optional<std::int64_t> due_ns = tasks_.next_due_ns();
  if (due_ns == timer_due_ns_) return;
  timer_due_ns_ = due_ns;
  if (!due_ns) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(asio::steady_timer::time_point(std::chrono::nanoseconds(*due_ns)));
  timer_.async_wait([this](const ErrorCode &error) {
    if (!error) timer_due_ns_.reset();
  });
}

// E5 for whoever gives verdicts.
std::function<void()> Raylet::drainer() {
  return [this] { drain_all(); };
}

// While somebody waits for space, releasers wake us and recycle nothing. True when it was set just now.
bool Raylet::set_pressure() {
  segment::Half &pressure = segment_->header().pressure;
  const std::uint32_t wanted = space_.is_short() ? 1 : 0;
  if (pressure.load(std::memory_order_relaxed) == wanted) return false;
  pressure.exchange(wanted, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kRayletPressed);
  if (wanted == 0) {
    store_.end_withdrawing();
    return false;
  }
  journal_.space_is_short(space_.first_waiting(), space_.bytes_short(), base::monotonic_ns());
  store_.begin_withdrawing();
  return true;
}

bool Raylet::has_messages() {
  for (const std::uint32_t id : clients_.ids()) {
    Client &client = *clients_.find(id);
    if (client.expelled) continue;
    if (!client.inbox.empty() || clients_.slot(client).hints_lost.load(std::memory_order_relaxed) != 0) return true;
  }
  return false;
}

void Raylet::sleep_until_event() {
  segment::Half &sleeping = segment_->header().raylet_sleeping;
  set_timer();
  // seq_cst exchange, then the look: pairs with a producer's tail, fence and look at `sleeping` (rule 26).
  sleeping.exchange(1, std::memory_order_seq_cst);
  base::crash_point(base::CrashPoint::kRayletAsleep);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // the look is an acquire load
  if (!has_messages()) loop_.run_one();
  sleeping.exchange(0, std::memory_order_seq_cst);
}

void Raylet::watch_event() {
  event_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const ErrorCode &error) {
    if (error) return;
    eventfd_t count = 0;
    static_cast<void>(eventfd_read(event_.native_handle(), &count));
    watch_event();
  });
}

void Raylet::watch_signals() {
  signals_.async_wait([this](const ErrorCode &error, int signal) {
    if (error) return;
    if (signal == SIGCHLD)
      collect_children();
    else
      stop(fmt::format("signal {}", signal));
    watch_signals();
  });
}

void Raylet::accept_next() {
  listener_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const ErrorCode &error) {
    if (error) return;
    base::File socket(accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) serve(std::move(socket), false);
    // Out of descriptors: going on would spin. The next client that leaves opens the door again.
    accept_paused_ = !socket && (errno == EMFILE || errno == ENFILE);
    if (!accept_paused_) accept_next();
  });
}

void Raylet::report_ready(Status status) {
  if (std::exchange(is_ready_, true)) return;
  if (status != nullptr) failed_to_start_ = stopping_ = true;
  if (ready_) ready_(std::move(status));
}

void Raylet::stop(const std::string &why) {
  if (!stopping_) journal_.session_ends(why);
  stopping_ = true;
}

// Kills every process of the session and waits until each is gone, so that nothing is left when we answer.
void Raylet::end_processes() {
  std::vector<std::pair<pid_t, int>> ending;
  for (const auto &[number, one] : templates_.all()) {
    if (one->pidfd) ending.emplace_back(one->pid, one->pidfd->native_handle());
  }
  templates_.end_all();
  for (const std::uint32_t id : clients_.ids()) {
    Client &client = *clients_.find(id);
    if (client.kind != segment::ClientKind::kWorker || !client.pidfd) continue;
    kill(client, segment::DeathCause::kNotNeeded);
    ending.emplace_back(client.pid, client.pidfd->native_handle());
  }
  for (const auto &[pid, number] : forked_) {
    if (waitpid(pid, nullptr, WNOHANG) == 0) ::kill(pid, SIGKILL);  // 0: a child of ours, and running
  }
  for (const auto &[pid, pidfd] : ending) {
    pollfd gone{pidfd, POLLIN, 0};
    while (poll(&gone, 1, kProcessEndMsMax) < 0 && errno == EINTR) {
    }
    waitpid(pid, nullptr, WNOHANG);
  }
  for (const auto &[pid, number] : forked_) waitpid(pid, nullptr, 0);
  for (const auto &[id, output] : outputs_) {
    output.output->finish();
    output.errors->finish();
  }
}

}  // namespace mobula::raylet
