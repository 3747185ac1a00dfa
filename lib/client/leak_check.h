// client/leak_check.h: MOBULA_LEAK_CHECK: what this process still holds when it leaves its session, told on stderr.
//   Threads    the thread that leaves; other threads should hold nothing any more
//   Process    a driver. The handles of workers end with them
//   Cost       without the variable: nothing. With it: one look at the segment
// MOBULA_LEAK_CHECK=1 tells of all; a length of time (N seconds, N > 1, or such as 500ms, 1s, 5min) of what nothing
// has needed for so long; 0 or nothing: off. MOBULA_LEAK_CHECK_EXIT=CODE makes CODE the exit status of a process that
// would end with 0 although something was told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tasks/holdings.h"

namespace mobula::client {

class Session;

// At init: what happens at exit is arranged before the program makes anything that is destroyed later.
void prepare_leak_check();
// At shutdown, while the segment is mapped.
void check_leaks(Session &session);

// The length of time that the variable's text asks for; nothing: off. Pure, as what follows.
std::optional<std::int64_t> leak_check_age_ns(std::string_view text);
// A line for each call site, between a head line and one that begins with "SUMMARY: Mobula:"; "" when `client` holds
// nothing. Handles of actors are none.
std::string describe_held(const segment::Segment &segment, const tasks::Holdings &holdings, std::uint32_t client,
                          std::int64_t min_age_ns, const std::string &session);

}  // namespace mobula::client
