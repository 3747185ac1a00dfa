// Deaths of clients: the reaper's order of docs/reference-rules.md, steps a to i.
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/clock.h"
#include "raylet/process_status.h"
#include "raylet/raylet.h"
#include "segment/bell.h"
#include "segment/notes.h"

namespace mobula::raylet {
namespace {

// Each part of a step takes under 1 ms, so that nobody waits long.
constexpr std::uint32_t kEntriesPerSweep = 16'384;
constexpr std::uint32_t kEntriesPerSettle = 4096;
constexpr std::uint32_t kRowsPerStep = 16'384;
constexpr std::uint32_t kStepsPerTurn = 16;

std::int32_t signal_in(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

// As segment::Verdict has it.
std::int32_t process_end_of(std::optional<int> status) {
  if (!status) return 0;
  return WIFSIGNALED(*status) ? WTERMSIG(*status) : -1 - WEXITSTATUS(*status);
}

}  // namespace

// a. Every thread of it is gone.
void Raylet::on_process_ended(std::uint32_t client_id) {
  Client *const client = clients_.find(client_id);
  if (client == nullptr) return;
  begin_reaping(*client, status_of(*client));
}

// It may still write to the segment: it is reaped when its process is gone. One that called Shutdown said goodbye.
void Raylet::on_connection_closed(std::uint32_t client_id, const std::string &why) {
  Client *const client = clients_.find(client_id);
  if (client == nullptr || client->kind != segment::ClientKind::kDriver) return;
  spdlog::info("client {} closes its connection: {}, {}", client_id, clients_.describe(client_id), why);
  // What it has published counts, and is read until it is reaped; its calls, if it lives on, fail.
  disconnect(*client);
}

void Raylet::on_goodbye(const std::shared_ptr<Connection> &connection) {
  Client *const client = client_at(connection);
  if (client == nullptr || client->kind != segment::ClientKind::kDriver) return;
  client->ended_for = segment::DeathCause::kShutdown;
  begin_reaping(*client, std::nullopt);
}

std::optional<int> Raylet::status_of(const Client &client) {
  const auto collected = exit_status_.find(client.pid);
  int status = 0;
  if (collected != exit_status_.end()) {
    status = collected->second;
    exit_status_.erase(collected);
  } else if (waitpid(client.pid, &status, WNOHANG) != client.pid) {
    return client.pidfd ? status_of_ended(client.pid, client.pidfd->native_handle()) : std::nullopt;
  }
  return status;
}

// A look at the machine's counter: whom the kernel ended for lack of memory since the last look.
bool Raylet::machine_ran_out_of_memory() {
  std::ifstream figures("/proc/vmstat");
  std::uint64_t kills = 0;
  for (std::string name; figures >> name >> kills;) {
    if (name == "oom_kill") return std::exchange(oom_kills_, kills) < kills;
  }
  return false;
}

// What tools tell of it later. The words of its slot are as it left them.
void Raylet::note_death(const Client &client, std::optional<int> status) {
  using segment::DeathCause;
  DeathCause cause = client.ended_for;
  const std::int32_t signal = status ? signal_in(*status) : 0;
  const bool may_be_memory = cause == DeathCause::kUnknown && signal == SIGKILL;
  if (may_be_memory && machine_ran_out_of_memory()) cause = DeathCause::kMemory;
  if (cause == DeathCause::kUnknown && status) cause = signal != 0 ? DeathCause::kSignal : DeathCause::kExited;
  const segment::ClientSlot &slot = segment_->client(client.id);
  segment::SegmentHeader &header = segment_->header();
  const std::uint64_t number = header.deaths.load(std::memory_order_relaxed) + 1;
  segment::Death &death = segment_->death(number);
  segment::write_note(death, number, [&] {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    death.ended_ns.store(static_cast<std::uint64_t>(base::monotonic_ns()), kRelaxed);
    death.task_generation.store(slot.task_generation.load(kRelaxed), kRelaxed);
    death.task_entry.store(slot.task_entry_plus_1.load(kRelaxed) - 1, kRelaxed);
    death.task_site.store(slot.task_site.load(kRelaxed), kRelaxed);
    death.pid.store(static_cast<std::uint32_t>(client.pid), kRelaxed);
    death.client.store(client.id, kRelaxed);
    death.kind.store(static_cast<std::uint32_t>(client.kind), kRelaxed);
    death.cause.store(static_cast<std::uint32_t>(cause), kRelaxed);
    death.code.store(static_cast<std::uint32_t>(signal != 0 || !status ? signal : WEXITSTATUS(*status)), kRelaxed);
    death.is_actor.store(client.actor != 0 ? 1 : 0, kRelaxed);
  });
  header.deaths.store(number, std::memory_order_release);
}

// The order of the steps is objects/reaper.h's; here is what each of them does.
void Raylet::begin_reaping(Client &client, std::optional<int> status) {
  if (!reaper_.died(client.id, process_end_of(status), base::monotonic_ns())) return;
  note_death(client, status);
  journal_.client_ends(client);
  client.reaping = true;
  clients_.slot(client).reaping.store(1, std::memory_order_release);
  if (own_driver_ == client.id) stop("its program has ended");
}

// A few steps, so that the rings do not wait long. True while there are more.
bool Raylet::reap_some() {
  for (std::uint32_t steps = 0; steps < kStepsPerTurn; ++steps) {
    const std::optional<objects::ReapAction> action = reaper_.next();
    if (!action) return steps != 0;
    carry_out(*action);
  }
  return true;
}

void Raylet::carry_out(const objects::ReapAction &action) {
  using objects::ReapStep;
  switch (action.step) {
    case ReapStep::kSweep:
      return go_on(store_.sweep(action.client, static_cast<std::uint32_t>(action.position), kEntriesPerSweep));
    case ReapStep::kReuse:
      clients_.release_id(action.client);
      return go_on(0);
    case ReapStep::kFree:
      return free_some(action.position);
    default:
      break;
  }
  Client &dead = *clients_.find(action.client);
  switch (action.step) {
    case ReapStep::kDrain:
      drain_for(dead);
      return go_on(0);
    case ReapStep::kJudge:
      judge_tasks_of(dead, action.process_end);
      return go_on(0);
    case ReapStep::kSettle: {
      std::vector<refs::ObjectName> failed;
      bool more = store_.settle_entries_of(dead.id, dead.pid, kEntriesPerSettle, &failed);
      more |= store_.forget_weak_of(dead.id, kEntriesPerSettle);
      for (const refs::ObjectName &name : failed) tasks_.on_failed(name);
      return go_on(more ? 1 : 0);
    }
    case ReapStep::kRing:
      ring_all();
      return go_on(0);
    case ReapStep::kClearRows:
      return go_on(store_.clear_rows(dead.id, dead.row_offsets, action.position, kRowsPerStep));
    case ReapStep::kDetach:
      detach(dead);
      return go_on(0);
    default:
      throw base::Fault("a step of the reaper that nobody carries out");
  }
}

// 0: the step is through.
void Raylet::go_on(std::uint64_t position) {
  if (position != 0)
    reaper_.go_on_from(position);
  else
    reaper_.finished(base::monotonic_ns());
}

// Until all is looked at that was suggested when this step began.
void Raylet::free_some(std::uint64_t until) {
  const objects::EvictionPolicy &policy = store_.policy();
  if (until == 0) until = policy.suggestions();
  if (policy.suggestions_taken() < until) store_.free_batch(drainer());
  go_on(policy.suggestions_taken() < until ? until : 0);
}

void Raylet::finish_output(std::uint32_t worker) {
  const auto output = outputs_.find(worker);
  if (output == outputs_.end()) return;
  output->second.output->finish();
  output->second.errors->finish();
  outputs_.erase(output);
}

void Raylet::drain_for(Client &dead) {
  finish_output(dead.id);
  drain_all();  // others may have finished what belongs to it
  while (drain(dead)) {
  }
}

void Raylet::judge_tasks_of(Client &dead, std::int32_t process_end) {
  space_.on_client_gone(dead.id);
  if (dead.kind == segment::ClientKind::kWorker) return tasks_.on_worker_died(dead, process_end);
  tasks_.on_job_ended(dead.id);
  // Its own template's workers have nothing to do any more.
  if (dead.template_number != 0) tasks_.fail_template(dead.template_number, plain_verdict(Code::kOwnerDied));
  templates_.end_job(dead.id);
  terminals_.erase(dead.id);
}

void Raylet::detach(Client &dead) {
  said_hello_.erase(dead.pid);
  life_->remove(&clients_.slot(dead).life);
  journal_.client_is_cleared(dead);
  clients_.detach(dead);
  if (std::exchange(accept_paused_, false)) accept_next();
}

void Raylet::ring_all() {
  for (const std::uint32_t id : clients_.ids()) segment::ring_always(clients_.slot(*clients_.find(id)));
}

// Children that end, are stopped or go on. What ends: workers whose pidfd has not been looked at yet, templates, and
// orphans of user code.
void Raylet::collect_children() {
  int status = 0;
  constexpr int kWhatever = WNOHANG | WUNTRACED | WCONTINUED;
  for (pid_t pid = waitpid(-1, &status, kWhatever); pid > 0; pid = waitpid(-1, &status, kWhatever)) {
    Client *const client = clients_.find_pid(pid);
    if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
      if (client != nullptr) tasks_.on_stopped(*client, WIFSTOPPED(status));
      continue;
    }
    if (client != nullptr) {
      exit_status_[pid] = status;
      continue;
    }
    const auto forked = forked_.find(pid);
    if (forked == forked_.end()) continue;
    spdlog::warn("worker {} ended before it was ready", pid);
    const std::uint32_t template_number = forked->second;
    forked_.erase(forked);
    worker_start_failed(template_number, "workers end before they are ready");
  }
}

void Raylet::kill(Client &client, segment::DeathCause cause) {
  if (client.ended_for == segment::DeathCause::kUnknown) client.ended_for = cause;
  if (client.pidfd) client.pidfd->kill();
}

}  // namespace mobula::raylet
