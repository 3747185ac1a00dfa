// tools/chaos_left.h: what is left in a session whose programs are gone, and who keeps it.
//   Threads    any thread. Reads the segment and /proc, and asks nobody
//   Cost       O(entries)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "segment/segment.h"

namespace mobula::tools {

struct LeftHolder {
  std::uint32_t pid = 0;
  std::string kind;
  std::string command;  // "" when the process is gone
  std::string site;     // where it took its handle; "" when unknown
};

struct LeftObject {
  std::string id;
  std::string state;
  std::uint64_t bytes = 0;
  std::int64_t age_ms = -1;  // -1: unknown
  std::string site;          // where it was put, or its task submitted; "" when unknown
  std::uint32_t creator_pid = 0;
  std::vector<LeftHolder> holders;
  std::string why;  // what keeps it, when that is no process: "used by a task", "contained in an object"
};

struct Left {
  std::vector<LeftObject> objects;  // that nobody asked to keep; largest first
  std::uint64_t bytes = 0;
  // That somebody asked to keep beyond its programs: named, retained, held weakly, and detached actors.
  std::uint64_t asked_objects = 0;
  std::uint64_t asked_bytes = 0;
};

Left find_left(const segment::Segment &segment, std::int64_t now_ns);

}  // namespace mobula::tools
