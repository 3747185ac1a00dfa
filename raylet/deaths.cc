// Deaths of clients: the reaper's order of docs/reference-rules.md, steps a to i.
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raylet/raylet.h"
#include "segment/bell.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kEntriesPerSweep = 16'384;  // under 0.1 ms, so that rings do not wait long

std::int32_t signal_in(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

}  // namespace

// a. Every thread of it is gone.
void Raylet::on_process_ended(std::uint32_t client_id) {
  Client *const client = clients_.find(client_id);
  if (client == nullptr) return;
  reap(*client, signal_of(*client));
}

// It may still write to the segment: it is reaped when its process is gone. One that called Shutdown said goodbye.
void Raylet::on_connection_closed(std::uint32_t client_id, const std::string &why) {
  Client *const client = clients_.find(client_id);
  if (client == nullptr || client->kind != segment::ClientKind::kDriver) return;
  spdlog::info("{} has closed its connection: {}", clients_.describe(client_id), why);
  // What it has published counts, and is read until it is reaped; its calls, if it lives on, fail.
  disconnect(*client);
}

void Raylet::on_goodbye(const std::shared_ptr<Connection> &connection) {
  for (const std::uint32_t id : clients_.ids()) {
    Client &client = *clients_.find(id);
    if (client.connection == connection && client.kind == segment::ClientKind::kDriver) return reap(client, 0);
  }
}

std::int32_t Raylet::signal_of(const Client &client) {
  const auto collected = exit_status_.find(client.pid);
  int status = 0;
  if (collected != exit_status_.end()) {
    status = collected->second;
    exit_status_.erase(collected);
  } else if (waitpid(client.pid, &status, WNOHANG) != client.pid) {
    return 0;  // not our child: launched by hand
  }
  return signal_in(status);
}

void Raylet::reap(Client &client, std::int32_t signal) {
  const std::uint32_t id = client.id;
  const bool is_worker = client.kind == segment::ClientKind::kWorker;
  const auto output = outputs_.find(id);
  if (output != outputs_.end()) {
    output->second.output->finish();
    output->second.errors->finish();
    outputs_.erase(output);
  }
  drain_all();             // others may have finished what belongs to it
  while (drain(client)) {  // b
  }
  if (is_worker)
    tasks_.on_worker_died(client, signal);  // c
  else
    tasks_.on_job_ended(id);
  const std::vector<refs::ObjectName> failed = store_.reap(id, client.pid, client.row_offsets);  // d, f, g
  for (const refs::ObjectName &name : failed) tasks_.on_failed(name);
  space_.on_client_gone(id);
  said_hello_.erase(client.pid);
  if (!is_worker) {
    // Its own template's workers have nothing to do any more.
    if (client.template_number != 0) tasks_.fail_template(client.template_number, plain_verdict(Code::kOwnerDied));
    templates_.end_job(id);
    terminals_.erase(id);
  }
  life_->remove(&clients_.slot(client).life);
  clients_.detach(client);
  sweeps_.push_back({id, 0});
  store_.request_scan();  // it may have died between dropping its last handle and the hint
  if (std::exchange(accept_paused_, false)) accept_next();
  ring_all();  // h: after everything that the dead one left is settled
  if (own_driver_ == id) stop("its program has ended");
}  // i: the id is free when its sweep is through

// A part of the sweep that must end before an id is used again. True while there is more.
bool Raylet::sweep_some() {
  if (sweeps_.empty()) return false;
  Sweep &sweep = sweeps_.front();
  sweep.next_entry = store_.sweep(sweep.client, sweep.next_entry, kEntriesPerSweep);
  if (sweep.next_entry < segment_->entries_reserved()) return true;
  clients_.release_id(sweep.client);
  sweeps_.pop_front();
  return true;
}

void Raylet::ring_all() {
  for (const std::uint32_t id : clients_.ids()) segment::ring_always(clients_.slot(*clients_.find(id)));
}

// Children that end: workers whose pidfd has not been looked at yet, templates, and orphans of user code.
void Raylet::collect_children() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    if (clients_.find_pid(pid) != nullptr) {
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

void Raylet::kill(Client &client) {
  if (client.pidfd) syscall(SYS_pidfd_send_signal, client.pidfd->native_handle(), SIGKILL, nullptr, 0);
}

}  // namespace mobula::raylet
