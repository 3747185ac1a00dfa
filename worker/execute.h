// worker/execute.h: runs one offered task: claim, call, settle (steps Q2 to Q5 of docs/reference-rules.md).
//   Threads    thread-bound (the worker's main thread)
//   Errors     what the user's function throws becomes the task's failure; nothing of it goes further up
#pragma once

#include "client/session.h"
#include "wire/ring_messages.h"

namespace mobula::worker {

class Executor {
 public:
  explicit Executor(client::Session &session) : session_(session) {}

  // False: the raylet has taken the task back; nothing was done.
  bool run(const wire::TaskNames &names);

 private:
  class RunningCall;

  bool claim(const wire::TaskNames &names);
  bool begin_result(const refs::ObjectName &result);
  void execute(const wire::TaskNames &names);
  void settle(const refs::ObjectName &result, refs::State state);
  void settle_error(const refs::ObjectName &result, const Error &error);
  Status write(const refs::ObjectName &result, const void *data, std::uint64_t bytes, Format format, segment::Kind kind,
               std::span<const Reference> contained);
  Status write_forward(const refs::ObjectName &result, const void *data, std::uint64_t bytes, Format format,
                       std::vector<refs::ObjectName> contained);
  Status forward(const refs::ObjectName &result, Draft &&draft, std::vector<refs::ObjectName> contained);

  client::Session &session_;
};

}  // namespace mobula::worker
