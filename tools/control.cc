#include "tools/control.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/socket.h"

namespace mobula::tools {
namespace {

// False: the time is over.
bool wait_readable(int descriptor, int timeout_ms) {
  const std::int64_t deadline_ns = base::deadline_after_ms(timeout_ms);
  for (;;) {
    const std::int64_t left_ms = (deadline_ns - base::monotonic_ns()) / base::kNanosecondsPerMillisecond;
    if (left_ms < 0) return false;
    pollfd ready{descriptor, POLLIN, 0};
    const int count = poll(&ready, 1, static_cast<int>(left_ms));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) base::throw_errno("poll");
  }
}

// For the rest of a message that has begun.
void limit_transfers(int socket) {
  const timeval limit{kAnswerMsMax / 1000, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (setsockopt(socket, SOL_SOCKET, option, &limit, sizeof limit) != 0)
      base::throw_errno("setsockopt of a time limit");
  }
}

}  // namespace

Status Control::connect(const std::string &session, Control *control) {
  control->session_ = session;
  if (Status status = wire::connect_to(session, &control->socket_)) return status;
  limit_transfers(control->socket_.get());
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (getsockopt(control->socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) base::throw_errno("SO_PEERCRED");
  control->raylet_pid_ = peer.pid;
  control->raylet_ = base::File(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
  return nullptr;
}

Status Control::exchange(const wire::Message &request, wire::Message *answer, std::vector<base::File> *descriptors) {
  if (Status status = wire::send(socket_.get(), request)) return status;
  if (!wait_readable(socket_.get(), kAnswerMsMax)) return no_answer("a request", kAnswerMsMax);
  if (Status status = wire::receive(socket_.get(), answer, descriptors)) return status;
  const auto *refused = std::get_if<wire::Refused>(answer);
  return refused == nullptr ? nullptr : base::failure(Code::kInvalidArgument, refused->message);
}

Status Control::unexpected() const {
  return base::failure(
      Code::kInvalidArgument,
      fmt::format("the raylet of session '{}' gave an answer of another kind: it is of another version of "
                  "Mobula than this command",
                  session_));
}

Status Control::no_answer(const std::string &to_what, int waited_ms) const {
  return base::failure(
      Code::kTimeout,
      fmt::format("the raylet of session '{}' (pid {}) did not answer {} within {} s: it was stopped by a "
                  "signal, or it is stuck. To go on: kill -CONT {}. To end the session at once, with all its "
                  "workers: kill -KILL {}",
                  session_, raylet_pid_, to_what, waited_ms / 1000, raylet_pid_, raylet_pid_));
}

// The raylet answers when its processes are gone, and then ends; only its own end counts.
Status Control::stop() {
  if (Status status = wire::send(socket_.get(), wire::StopRequest{})) return status;
  if (raylet_) return wait_readable(raylet_.get(), kStopMsMax) ? nullptr : no_answer("the request to stop", kStopMsMax);
  // A raylet of another process namespace: the end of its socket is what can be seen.
  if (!wait_readable(socket_.get(), kStopMsMax)) return no_answer("the request to stop", kStopMsMax);
  return nullptr;
}

}  // namespace mobula::tools
