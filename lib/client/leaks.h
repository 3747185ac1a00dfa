// client/leaks.h: what keeps a session from being empty: the report behind mobula/test_runtime.h.
//   Threads    other threads and processes may go on; what they change meanwhile is seen before or after the change
//   Process    reads the tables of all clients, writes nothing
//   Cost       a look: O(entries + rows) and one question to the raylet
// Retained objects are nobody's leak, nor what lies inside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "segment/segment.h"

namespace mobula::client {

// One line each, in the order in which one would look for the reason.
struct Leaks {
  std::vector<std::string> own;     // handles, pins and drafts of this process: they do not go away by waiting
  std::vector<std::string> others;  // of workers, tasks and containers: they may be on their way out
  bool empty() const { return own.empty() && others.empty(); }
};

// One look. `client_id` is the caller's own.
Leaks find_leaks(const segment::Segment &segment, std::uint32_t client_id);

// The lines under a heading, at most kLeaksNamed of each kind; "" when there are none.
std::string describe(const Leaks &leaks);
constexpr std::size_t kLeaksNamed = 20;

}  // namespace mobula::client
