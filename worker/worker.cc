#include "worker/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

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
  std::cout.flush();
  std::fflush(stdout);
}

bool send(client::Session &session, const segment::RingSlot &message) {
  return session.outbox().send(message, client::Outbox::Urgency::kNow);
}

void serve_tasks(client::Session &session) {
  segment::ClientSlot &slot = session.segment().client(session.client_id());
  segment::RingConsumer offers(&slot.offers, session.segment().rings(session.client_id()).offers, base::kOfferSlots);
  Executor executor(session);
  for (;;) {
    const segment::Wake wake = session.waiter().wait_until([&] { return !offers.empty(); }, base::kForever);
    if (wake == segment::Wake::kRayletDied) return;
    segment::RingSlot offer;
    if (offers.peek(&offer) != segment::RingConsumer::Look::kMessage) continue;  // Q1
    const wire::TaskNames names = wire::task_names(offer);
    const bool ran = executor.run(names);
    if (ran) {
      base::crash_point(base::CrashPoint::kTaskUnreported);
      flush_output();
      if (!send(session, wire::task_slot(wire::ToRaylet::kDone, names))) return;  // Q6
      base::crash_point(base::CrashPoint::kTaskReported);
    }
    offers.pop();  // Q7
    // A raylet that found the ring full waits for this.
    if (!ran && offers.empty() && !send(session, wire::slot_of(wire::ToRaylet::kSkipped))) return;
  }
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
        serve_tasks(own);
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
