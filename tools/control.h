// tools/control.h: a connection to the raylet of a session, with a limit on every answer.
//   Threads    one connection belongs to one thread at a time
//   Errors     conditions as Status, with what to do: no such session, a raylet that does not answer
//   Cost       blocking system calls
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "wire/messages.h"

namespace mobula::tools {

constexpr int kAnswerMsMax = 10'000;  // a raylet answers in microseconds; one that was stopped by a signal never does
constexpr int kStopMsMax = 30'000;    // the raylet gives each of its processes 10 s to be gone

class Control {
 public:
  static Status connect(const std::string &session, Control *control);

  // Sends and receives the answer, which must be a Reply, with the descriptors beside it.
  template <typename Reply>
  Status ask(const wire::Message &request, Reply *reply, std::vector<base::File> *descriptors = nullptr) {
    wire::Message answer;
    if (Status status = exchange(request, &answer, descriptors)) return status;
    auto *expected = std::get_if<Reply>(&answer);
    if (expected == nullptr) return unexpected();
    *reply = std::move(*expected);
    return nullptr;
  }
  // Asks the raylet to end, and returns once its process is gone.
  Status stop();

  const std::string &session() const { return session_; }
  int raylet_pid() const { return raylet_pid_; }

 private:
  Status exchange(const wire::Message &request, wire::Message *answer, std::vector<base::File> *descriptors);
  Status unexpected() const;
  Status no_answer(const std::string &to_what, int waited_ms) const;

  std::string session_;
  base::File socket_;
  base::File raylet_;  // a pidfd, -1 when its process could not be opened
  int raylet_pid_ = 0;
};

}  // namespace mobula::tools
