// client/failures.h: the mobula::Error of what a user's function threw.
//   Threads    any thread; a TaskStart is of the thread that made it
//   Errors     an exception that cannot describe itself is described by its type
//   Cost       TaskStart: about 5 ns
#pragma once

#include <cstdint>
#include <string>

#include "mobula/error.h"

namespace mobula::client {

// While it lives, this thread runs a task of that name ("" = none): the failure of the task says so, and since when.
class TaskStart {
 public:
  explicit TaskStart(const std::string &task);
  TaskStart(const TaskStart &) = delete;
  TaskStart &operator=(const TaskStart &) = delete;
  ~TaskStart();

 private:
  friend Error describe_failure(const std::string &, const std::string &, const std::string &);
  const TaskStart *outer_;  // the task that runs this one, in local mode
  const std::string &task_;
  std::int64_t started_ns_;
};

// What was thrown, with the chain of std::nested_exception and of failed tasks behind it. REQUIRES: called in the
// handler of the exception.
Error describe_thrown(const std::string &function);
// The same for what went wrong before the function was called.
Error describe_failure(const std::string &function, const std::string &type, const std::string &what);

}  // namespace mobula::client
