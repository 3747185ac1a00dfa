// tools/commands.h: what the commands of `mobula` do; main.cc reads the command line.
//   Errors     a Status for the user; nothing was printed to the output then
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "base/error.h"
#include "tools/control.h"
#include "tools/start.h"

namespace mobula::tools {

struct Choice {
  std::string session;  // --session, "" when not given
  bool json = false;
};

// To the raylet of the session that is meant; it is asked nothing.
Status connect(const Choice &choice, Control *control);

Status start(const Choice &choice, StartOptions options, std::ostream &output);
Status stop(const Choice &choice, std::ostream &output);
Status status(const Choice &choice, std::ostream &output);
// `object` is an ObjectID in hexadecimal digits, as `memory` lists it. The pin is the session's: it ends with it.
Status pin(const Choice &choice, const std::string &object, bool wanted, std::ostream &output);
// The eviction pass: `bytes`, or all that it may free.
Status evict(const Choice &choice, std::optional<std::uint64_t> bytes, std::ostream &output);
// The session's names and their objects.
Status names(const Choice &choice, std::ostream &output);
// Takes one name off, or all of them when `name` is empty.
Status unpublish(const Choice &choice, const std::string &name, std::ostream &output);
// The mark pass.
Status collect(const Choice &choice, std::ostream &output);

}  // namespace mobula::tools
