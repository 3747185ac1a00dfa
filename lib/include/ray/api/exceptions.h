// ray/api/exceptions.h: the exceptions of the API, and which Status becomes which.
//   Threads    reentrant
//   Ownership  copies of one exception share one mobula::Error; mobula::error_of (mobula/errors.h) reads it
//   Errors     what() of each is the runtime's message, unchanged
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "mobula/runtime.h"

namespace ray {
namespace internal {

class RayException : public std::exception {
 public:
  RayException(const std::string &msg) : RayException(mobula::Code::kInvalidArgument, msg) {}
  explicit RayException(mobula::Error error)
      : msg_(error.message), error_(std::make_shared<const mobula::Error>(std::move(error))) {}
  const char *what() const noexcept override { return msg_.c_str(); }
  // Everything that is known of the failure.
  const mobula::Error &error() const noexcept { return *error_; }

  std::string msg_;  // public as in Ray: programs read it

 protected:
  RayException(mobula::Code code, const std::string &msg) : RayException(error_with(code, msg)) {}

 private:
  static mobula::Error error_with(mobula::Code code, const std::string &msg) {
    mobula::Error error;
    error.code = code;
    error.message = msg;
    return error;
  }

  std::shared_ptr<const mobula::Error> error_;
};

// A class between RayException and what is thrown; kCode is what its error says when only a text was given.
template <typename Base, mobula::Code kCode>
class CodedException : public Base {
 public:
  CodedException(const std::string &msg) : Base(kCode, msg) {}
  explicit CodedException(mobula::Error error) : Base(std::move(error)) {}

 protected:
  CodedException(mobula::Code code, const std::string &msg) : Base(code, msg) {}
};

// The user's function threw.
class RayTaskException : public CodedException<RayException, mobula::Code::kTaskFailed> {
 public:
  using CodedException::CodedException;
};

// The actor is dead, or its constructor threw.
class RayActorException : public CodedException<RayException, mobula::Code::kActorDied> {
 public:
  using CodedException::CodedException;
};
// The actor died while it ran the call, and is being restarted: the next call may succeed.
class RayActorUnavailableException : public CodedException<RayActorException, mobula::Code::kActorUnavailable> {
 public:
  using CodedException::CodedException;
};

// The process that ran the task, or the driver it belonged to, is gone.
class RayWorkerException : public CodedException<RayException, mobula::Code::kWorkerDied> {
 public:
  using CodedException::CodedException;
};

// Nobody has the object any more.
class UnreconstructableException : public CodedException<RayException, mobula::Code::kObjectLost> {
 public:
  using CodedException::CodedException;
};

// The time given to Get was over; the reference is still good.
class RayTimeoutException : public CodedException<RayException, mobula::Code::kTimeout> {
 public:
  using CodedException::CodedException;
};

// No worker of the session knows the function.
class RayFunctionNotFound : public CodedException<RayException, mobula::Code::kFunctionNotFound> {
 public:
  using CodedException::CodedException;
};

class RayRuntimeEnvException : public CodedException<RayException, mobula::Code::kInvalidArgument> {
 public:
  using CodedException::CodedException;
};

// --- what Ray's C++ API has no class for -----------------------------------------------------------------------------

// mobula::cancel ended the task.
class RayCancelledException : public CodedException<RayException, mobula::Code::kCancelled> {
 public:
  using CodedException::CodedException;
};

// The task's own deadline came before its end.
class RayDeadlineException : public CodedException<RayException, mobula::Code::kDeadlineOver> {
 public:
  using CodedException::CodedException;
};

// The task reached a limit of memory.
class RayOutOfMemoryException : public CodedException<RayException, mobula::Code::kOutOfMemory> {
 public:
  using CodedException::CodedException;
};

// The object store has no room: none came in time, or never will (error().code tells which).
class RayStoreFullException : public CodedException<RayException, mobula::Code::kStoreFull> {
 public:
  using CodedException::CodedException;
};

// More is asked for than the session will ever have.
class RayUnschedulableException : public CodedException<RayException, mobula::Code::kUnschedulable> {
 public:
  using CodedException::CodedException;
};

// The tasks wait for each other.
class RayDeadlockException : public CodedException<RayException, mobula::Code::kDeadlock> {
 public:
  using CodedException::CodedException;
};

// Throws the exception that belongs to `error.code`.
[[noreturn]] inline void throw_error(mobula::Error &&error) {
  switch (error.code) {
    case mobula::Code::kTaskFailed:
      throw RayTaskException(std::move(error));
    case mobula::Code::kActorDied:
      throw RayActorException(std::move(error));
    case mobula::Code::kActorUnavailable:
      throw RayActorUnavailableException(std::move(error));
    case mobula::Code::kWorkerDied:
    case mobula::Code::kOwnerDied:
      throw RayWorkerException(std::move(error));
    case mobula::Code::kTimeout:
      throw RayTimeoutException(std::move(error));
    case mobula::Code::kObjectLost:
      throw UnreconstructableException(std::move(error));
    case mobula::Code::kFunctionNotFound:
      throw RayFunctionNotFound(std::move(error));
    case mobula::Code::kCancelled:
      throw RayCancelledException(std::move(error));
    case mobula::Code::kDeadlineOver:
      throw RayDeadlineException(std::move(error));
    case mobula::Code::kOutOfMemory:
      throw RayOutOfMemoryException(std::move(error));
    case mobula::Code::kStoreFull:
    case mobula::Code::kTooLarge:
      throw RayStoreFullException(std::move(error));
    case mobula::Code::kUnschedulable:
      throw RayUnschedulableException(std::move(error));
    case mobula::Code::kDeadlock:
      throw RayDeadlockException(std::move(error));
    default:
      throw RayException(std::move(error));
  }
}

// Returns if `status` is success, else throws its exception.
inline void throw_unless_ok(const mobula::Status &status) {
  if (status) throw_error(std::move(*status));
}

}  // namespace internal
}  // namespace ray
