// ray/api/exceptions.h: the exceptions of the API, and which Status becomes which.
//   Threads    reentrant
//   Errors     what() of each is the runtime's message, unchanged
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "mobula/runtime.h"

namespace ray {
namespace internal {

class RayException : public std::exception {
 public:
  explicit RayException(std::string msg) : msg_(std::move(msg)) {}
  const char *what() const noexcept override { return msg_.c_str(); }

  std::string msg_;  // public as in Ray: programs read it
};

// The user's function threw.
class RayTaskException : public RayException {
 public:
  using RayException::RayException;
};

// The actor is dead, or its constructor threw.
class RayActorException : public RayException {
 public:
  using RayException::RayException;
};

// The process that ran the task, or the driver it belonged to, is gone.
class RayWorkerException : public RayException {
 public:
  using RayException::RayException;
};

// Nobody has the object any more.
class UnreconstructableException : public RayException {
 public:
  using RayException::RayException;
};

// The time given to Get was over; the reference is still good.
class RayTimeoutException : public RayException {
 public:
  using RayException::RayException;
};

// No worker of the session knows the function.
class RayFunctionNotFound : public RayException {
 public:
  using RayException::RayException;
};

class RayRuntimeEnvException : public RayException {
 public:
  using RayException::RayException;
};

// Throws the exception that belongs to `error.code`.
[[noreturn]] inline void throw_error(mobula::Error &&error) {
  switch (error.code) {
    case mobula::Code::kTaskFailed:
      throw RayTaskException(std::move(error.message));
    case mobula::Code::kWorkerDied:
    case mobula::Code::kOwnerDied:
      throw RayWorkerException(std::move(error.message));
    case mobula::Code::kTimeout:
      throw RayTimeoutException(std::move(error.message));
    case mobula::Code::kObjectLost:
      throw UnreconstructableException(std::move(error.message));
    case mobula::Code::kFunctionNotFound:
      throw RayFunctionNotFound(std::move(error.message));
    default:
      throw RayException(std::move(error.message));
  }
}

// Returns if `status` is success, else throws its exception.
inline void throw_unless_ok(const mobula::Status &status) {
  if (status) throw_error(std::move(*status));
}

}  // namespace internal
}  // namespace ray
