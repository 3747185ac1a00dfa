// client/failures.h: the mobula::Error of what a user's function threw.
//   Threads    any thread; what note_start() remembers is of the calling thread
//   Errors     an exception that cannot describe itself is described by its type
//   Cost       note_start: about 5 ns
#pragma once

#include <string>

#include "mobula/error.h"

namespace mobula::client {

// A task begins on this thread: its failure will say when, and its name ("" = none).
void note_start(const std::string &task);

// What was thrown, with the chain of std::nested_exception and of failed tasks behind it. REQUIRES: called in the
// handler of the exception.
Error describe_thrown(const std::string &function);
// The same for what went wrong before the function was called.
Error describe_failure(const std::string &function, const std::string &type, const std::string &what);

}  // namespace mobula::client
