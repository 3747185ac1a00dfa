// client/current.h: the session of this process, if it is in one.
//   Threads    any thread may ask; it is set by init, shutdown and the worker's start
#pragma once

#include <memory>

#include "client/session.h"

namespace mobula::client {

// Null when the process is in no session.
Session *current_session();
// Makes a worker's session the one that user code in it uses. Also keeps fork() in a client safe from then on.
void set_current_session(std::unique_ptr<Session> session);

}  // namespace mobula::client
