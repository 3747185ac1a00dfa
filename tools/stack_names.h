// tools/stack_names.h: names for the call sites of MOBULA_STACKS, which are lists of modules and offsets.
//   Process    runs addr2line, if there is one, once for each module; modules are found in the memory maps of processes
//   Errors     what cannot be named stays as it is
//   Cost       addr2line reads the module's debug information: up to a second for each module
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mobula::tools {

// One of "program+1a2b libx.so+3c".
struct Frame {
  std::string module;
  std::uint64_t offset = 0;  // of the return address, from where the module begins in memory
  friend auto operator<=>(const Frame &, const Frame &) = default;
};
// Words of another form are left out. Pure.
std::vector<Frame> parse_frames(std::string_view stack);

struct Module {
  std::string path;
  std::uint64_t begin = 0;  // its lowest address in that process
};
// The first mapping of a file with that name, in the text of /proc/PID/maps. Pure.
std::optional<Module> find_module(std::string_view maps, std::string_view name);

// "f at train.cpp:12" of the two lines that addr2line prints for an address; "" when it knows neither. Pure.
std::string frame_name(std::string_view function, std::string_view place);

// Stack -> "f at train.cpp:12 < main at train.cpp:40", the innermost first; frames of our own headers, and stacks of
// which nothing is known, are left out. Modules are looked for in the processes `pids`.
std::map<std::string, std::string> name_stacks(const std::set<std::string> &stacks, const std::vector<int> &pids);

}  // namespace mobula::tools
