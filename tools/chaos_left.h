// tools/chaos_left.h: what is left in a session whose programs are gone, and who keeps it.
//   Threads    any thread. Reads the segment and /proc, and asks nobody
//   Cost       as tools/leak_report.h
#pragma once

#include <cstdint>
#include <string>

#include "segment/segment.h"

namespace mobula::tools {

struct Left {
  // That nobody asked to keep: what `mobula leaks` would say at once, and what was to be freed and is not.
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::string text;  // "" when there is nothing
  std::string json;  // as of `mobula leaks --json`; "" when there is nothing
  // That somebody asked to keep beyond its programs: named, retained, held weakly, and detached actors; and what they
  // contain.
  std::uint64_t asked_objects = 0;
  std::uint64_t asked_bytes = 0;
};

Left find_left(const segment::Segment &segment, const std::string &session, std::int64_t now_ns);

}  // namespace mobula::tools
