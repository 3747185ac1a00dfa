#include "tools/signal_inbox.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"

namespace mobula::tools {

SignalInbox::SignalInbox() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&wanted, number);
  sigprocmask(SIG_BLOCK, &wanted, &before_);
  file_ = base::File(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!file_) base::throw_errno("signalfd");
}

// One that was not taken ends the process now.
SignalInbox::~SignalInbox() {
  file_.reset();
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool SignalInbox::take() {
  signalfd_siginfo info{};
  bool came = false;
  while (read(file_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) came = true;
  return came;
}

void SignalInbox::wait_until(std::int64_t at_ns, int first, int second, int third) const {
  pollfd ready[] = {{file_.get(), POLLIN, 0}, {first, POLLIN, 0}, {second, POLLIN, 0}, {third, POLLIN, 0}};
  const std::int64_t left_ns = std::max<std::int64_t>(at_ns - base::monotonic_ns(), 0);
  const timespec timeout{left_ns / base::kNanosecondsPerSecond, left_ns % base::kNanosecondsPerSecond};
  if (ppoll(ready, 4, &timeout, nullptr) < 0 && errno != EINTR) base::throw_errno("ppoll");
}

bool is_readable(int descriptor) {
  pollfd ready{descriptor, POLLIN, 0};
  return poll(&ready, 1, 0) > 0;
}

}  // namespace mobula::tools
