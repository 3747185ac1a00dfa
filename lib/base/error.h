// base/error.h: the two kinds of failure, never mixed.
//   Condition  the caller's to handle: a mobula::Status (null = success) or an optional value
//   Fault      we, or the machine, are broken: a Fault exception, which only main catches
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include "mobula/runtime.h"

namespace mobula::base {

// Goes up unhandled to main, which prints it and ends the process.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws a Fault that names the failed call and what errno says. REQUIRES: errno is of that call.
[[noreturn]] void throw_errno(const std::string &what);

// A condition with a message for people.
inline Status failure(Code code, std::string message) {
  auto error = std::make_unique<Error>();
  error->code = code;
  error->message = std::move(message);
  return error;
}

}  // namespace mobula::base
