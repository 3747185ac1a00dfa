#include "worker/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <stdio_ext.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/crash_points.h"
#include "client/current.h"
#include "segment/ring.h"
#include "worker/execute.h"

namespace mobula::worker {
namespace {

constexpr int kOomScore = 500;  // the OOM killer takes a worker before the raylet and the driver

void prefer_as_oom_victim() {
  std::ofstream file("/proc/self/oom_score_adj");
  file << kOomScore;  // refused in some containers: then the default stays
}

// A pipe whose writing end becomes `descriptor`; returns the reading end.
base::File redirect(int descriptor) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) base::throw_errno("pipe2");
  if (dup2(ends[1], descriptor) < 0) base::throw_errno("dup2");
  close(ends[1]);
  return base::File(ends[0]);
}

std::unique_ptr<client::Session> attach(const WorkerOptions &options) {
  base::File socket;
  if (wire::connect_to_path(options.socket_path, &socket) != nullptr) return nullptr;
  wire::Hello hello;
  hello.role = wire::Role::kWorker;
  hello.template_number = options.template_number;
  const base::File output = redirect(STDOUT_FILENO);
  const base::File errors = redirect(STDERR_FILENO);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  std::unique_ptr<client::Session> session;
  if (client::Session::attach(std::move(socket), std::move(hello), {output.get(), errors.get()}, &session) != nullptr) {
    return nullptr;
  }
  return session;
}

// What a task printed is on its way before its worker turns to the next.
void flush_output() {
  std::cout.flush();  // of stdout's buffer, too, as long as they are synchronised
  flockfile(stdout);
  const bool is_pending = __fpending(stdout) != 0;
  funlockfile(stdout);
  if (is_pending) std::fflush(stdout);
}

// Serves the offers of the raylet: tasks, until a factory has made this worker an actor, then calls of that.
class Server {
 public:
  explicit Server(client::Session &session)
      : session_(session),
        executor_(session),
        offers_(&session.segment().client(session.client_id()).offers,
                session.segment().rings(session.client_id()).offers, base::kOfferSlots) {}

  // Returns when the raylet is gone. Does not return from an actor that has ended.
  void serve();

 private:
  using Outcome = Executor::Outcome;

  bool wait_for_offer(segment::RingSlot *offer);
  bool send(const segment::RingSlot &message) { return session_.outbox().send(message, client::Outbox::Urgency::kNow); }
  bool serve_task();
  bool report(const wire::TaskNames &names, Outcome outcome);
  Outcome run(const segment::RingSlot &offer);
  bool next_call(segment::RingSlot *offer);
  void serve_calls();
  void serve_call(const wire::TaskOffer &offer);
  [[noreturn]] void end_actor(bool destroy);

  client::Session &session_;
  Executor executor_;
  segment::RingConsumer offers_;
  std::mutex mutex_;  // of the ring, among an actor's threads
};

// False: the raylet is gone.
bool Server::wait_for_offer(segment::RingSlot *offer) {
  for (;;) {
    if (offers_.empty()) session_.activities().paused();
    const segment::Wake wake = session_.waiter().wait_until([this] { return !offers_.empty(); }, base::kForever);
    if (wake == segment::Wake::kRayletDied) return false;
    if (offers_.peek(offer) != segment::RingConsumer::Look::kMessage) continue;
    // What the next task is about lies in the caches of its driver and of the raylet.
    if (const segment::RingSlot *const next = offers_.ahead(1)) executor_.prefetch(wire::task_names(*next));
    return true;  // Q1
  }
}

void Server::serve() {
  while (executor_.actor().instance == nullptr) {
    if (!serve_task()) return;
  }
  // The only threads of ours in a worker: its user asked for calls side by side.
  std::vector<std::thread> others;
  for (std::uint32_t i = 1; i < executor_.actor().concurrency; ++i) others.emplace_back([this] { serve_calls(); });
  serve_calls();
  for (std::thread &other : others) other.join();
}

Server::Outcome Server::run(const segment::RingSlot &offer) {
  switch (static_cast<wire::Offer>(offer.kind)) {
    case wire::Offer::kTask:
      return executor_.run(wire::task_offer(offer));
    case wire::Offer::kRestart:
      return executor_.run_again(wire::task_offer(offer));
    case wire::Offer::kCall:
    case wire::Offer::kEnd:
      break;  // of an actor, which this worker is not
  }
  return Outcome::kTakenBack;
}

bool Server::report(const wire::TaskNames &names, Outcome outcome) {
  base::crash_point(base::CrashPoint::kTaskUnreported);
  flush_output();
  segment::RingSlot done = wire::task_slot(wire::ToRaylet::kDone, names);
  const wire::Done how = outcome == Outcome::kFailed  ? wire::Done::kRestartFailed
                         : outcome == Outcome::kThrew ? wire::Done::kThrew
                                                      : wire::Done::kSettled;
  done.count = static_cast<std::uint32_t>(how);
  if (!send(done)) return false;  // Q6
  base::crash_point(base::CrashPoint::kTaskReported);
  return true;
}

bool Server::serve_task() {
  segment::RingSlot offer;
  if (!wait_for_offer(&offer)) return false;
  const Outcome outcome = run(offer);
  const bool ran = outcome != Outcome::kTakenBack;
  if (ran && !report(wire::task_names(offer), outcome)) return false;
  offers_.pop();  // Q7
  // A raylet that found the ring full waits for this.
  return ran || !offers_.empty() || send(wire::slot_of(wire::ToRaylet::kSkipped));
}

// The raylet never offers more calls than the ring has slots, so the slot may be given back before the call has ended.
bool Server::next_call(segment::RingSlot *offer) {
  const std::lock_guard lock(mutex_);
  if (!wait_for_offer(offer)) return false;
  offers_.pop();
  return true;
}

void Server::serve_calls() {
  segment::RingSlot offer;
  while (next_call(&offer)) {
    switch (static_cast<wire::Offer>(offer.kind)) {
      case wire::Offer::kCall:
        serve_call(wire::task_offer(offer));
        break;
      case wire::Offer::kEnd:
        end_actor(true);
      case wire::Offer::kTask:
      case wire::Offer::kRestart:
        // Offered behind the factory: the raylet takes them back, and waits for room in the ring.
        if (offers_.empty()) send(wire::slot_of(wire::ToRaylet::kSkipped));
        break;
    }
  }
}

void Server::serve_call(const wire::TaskOffer &offer) {
  const Outcome outcome = executor_.run(offer);
  if (outcome == Outcome::kTakenBack) return;
  if (outcome == Outcome::kExits) {
    send(wire::slot_of(wire::ToRaylet::kActorExits));
    base::crash_point(base::CrashPoint::kActorExiting);
  }
  report(offer.names, outcome);
  if (outcome == Outcome::kExits) end_actor(executor_.actor().concurrency == 1);
}

// An orderly end: the user's destructor runs, unless other calls are still at the actor.
void Server::end_actor(bool destroy) {
  const Executor::Actor &actor = executor_.actor();
  if (destroy && actor.destroy != nullptr) actor.destroy(actor.instance);
  flush_output();
  _exit(0);
}

}  // namespace

void run_worker(const WorkerOptions &options) {
  int status = 1;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == options.parent) {  // else it died before we asked for the signal
      prefer_as_oom_victim();
      if (std::unique_ptr<client::Session> session = attach(options)) {
        client::Session &own = *session;
        client::set_worker_session(std::move(session));
        Server(own).serve();
        status = 0;
      }
    }
  } catch (const std::exception &fault) {
    std::cerr << "mobula-worker: " << fault.what() << "\n";
  }
  // Not exit(): destructors of the user's static objects belong to his program, which never ran here.
  _exit(status);
}

}  // namespace mobula::worker
