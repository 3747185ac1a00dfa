// tools/signal_inbox.h: SIGINT, SIGTERM and SIGHUP as something to read, so that a command ends in order.
//   Threads    one thread, and one inbox at a time
//   Process    children must unblock their signals themselves (tools/child_process.h)
//   Ownership  the destructor gives the signals back their meaning
#pragma once

#include <signal.h>

#include <cstdint>

#include "base/file.h"

namespace mobula::tools {

class SignalInbox {
 public:
  SignalInbox();
  SignalInbox(const SignalInbox &) = delete;
  SignalInbox &operator=(const SignalInbox &) = delete;
  ~SignalInbox();

  int descriptor() const { return file_.get(); }
  // True when one has come since the last call.
  bool take();
  // Waits for one until that moment of CLOCK_MONOTONIC, or until one of the further descriptors (-1: none) is readable.
  void wait_until(std::int64_t at_ns, int first = -1, int second = -1, int third = -1) const;

 private:
  sigset_t before_{};
  base::File file_;
};

// Without waiting.
bool is_readable(int descriptor);

}  // namespace mobula::tools
