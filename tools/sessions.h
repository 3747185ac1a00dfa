// tools/sessions.h: which sessions this user has, and which one a command means.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace mobula::tools {

constexpr const char *kDefaultSession = "default";

// Sessions whose raylet listens, by name. Sessions embedded in programs among them.
Status running_sessions(std::vector<std::string> *names);

// The session of `given` (--session), else of `environment` (RAY_ADDRESS; null, "" and "local" say nothing), else the
// only running one that is not embedded in a program, else the default one. kInvalidArgument when several run and none
// is the default one. Pure.
Status choose_session(const std::string &given, const char *environment, const std::vector<std::string> &running,
                      std::string *session);
// The same for a session that is to be started: running ones do not count. Pure.
std::string session_to_start(const std::string &given, const char *environment);

}  // namespace mobula::tools
