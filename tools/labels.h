// tools/labels.h: what people read in place of numbers: call sites, functions, processes, objects.
//   Threads    thread-bound
//   Cost       each text is made once
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "segment/sites.h"
#include "tasks/holdings.h"

namespace mobula::tools {

// True while the process has not ended; a zombie has.
bool is_alive(std::uint32_t pid);
// Its words with a space between them, "" when they cannot be read. Characters that are not printable come as '?'.
std::string command_line(std::uint32_t pid);

class Labels {
 public:
  struct Site {
    segment::SiteCopy parts;
    std::string text;        // "" when unknown
    std::string json;        // the text in quotes, or null
    std::string parts_json;  // {"text", "file", "line", "function"}, or null
    std::string function_json;
  };

  Labels(const segment::Segment &segment, const tasks::Holdings &holdings);

  const Site &site(std::uint32_t number);
  // The name under which it was registered when a worker has run it, else "function 0x...".
  const std::string &function(std::uint64_t number);
  // A task's name, else its function's.
  const std::string &task(const tasks::Task &task) { return task.name.empty() ? function(task.function) : task.name; }
  const std::string &command(std::uint32_t pid);
  // The client that has this pid; 0: none.
  std::uint32_t client_of(std::uint32_t pid) const;
  // In hexadecimal digits.
  std::string id(const refs::ObjectName &name) const;

 private:
  void read_functions();

  const segment::Segment &segment_;
  const tasks::Holdings &holdings_;
  std::unordered_map<std::uint32_t, Site> sites_;
  std::unordered_map<std::uint64_t, std::string> functions_;
  std::unordered_map<std::uint32_t, std::string> commands_;
  std::unordered_map<std::uint32_t, std::uint32_t> clients_;  // by pid
};

}  // namespace mobula::tools
