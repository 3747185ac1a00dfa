// What the processes of a session have cost so far: this one and everything that it has started, raylet, template and
// workers of an embedded session.
//   Threads   any
//   Errors    a process that has ended counts as nothing
//   Cost      O(processes of the machine) to find them, a few reads for each figure
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace bench {

inline std::string read_text(const std::filesystem::path &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The number after `key`, or 0.
inline std::uint64_t number_after(const std::string &text, const std::string &key) {
  const std::size_t at = text.find(key);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + key.size(), nullptr, 10);
}

// Field `number` of /proc/PID/stat, counted from 1 as in proc(5); REQUIRES: it comes after the program's name.
inline std::uint64_t stat_field(int pid, int number) {
  const std::string text = read_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= number; ++i) fields >> field;
  return std::strtoull(field.c_str(), nullptr, 10);
}

// This process and all that descend from it.
inline std::vector<int> session_processes() {
  constexpr int kParent = 4;
  std::multimap<int, int> children;
  std::error_code gone;
  for (const auto &entry : std::filesystem::directory_iterator("/proc", gone)) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0) children.emplace(static_cast<int>(stat_field(pid, kParent)), pid);
  }
  std::vector<int> found{::getpid()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  return found;
}

// User and system time of all its threads. In ticks of 10 ms: measure over seconds.
inline double cpu_s(int pid) {
  constexpr int kUserTicks = 14;
  constexpr int kSystemTicks = 15;
  static const auto ticks_per_s = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return static_cast<double>(stat_field(pid, kUserTicks) + stat_field(pid, kSystemTicks)) / ticks_per_s;
}

// How often its threads have gone to sleep by themselves.
inline std::uint64_t voluntary_switches(int pid) {
  std::uint64_t switches = 0;
  std::error_code gone;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    switches += number_after(read_text(entry.path() / "status"), "\nvoluntary_ctxt_switches:");
  }
  return switches;
}

struct SessionCost {
  double cpu_s = 0;
  double voluntary_switches = 0;
};

inline SessionCost cost_of(const std::vector<int> &pids) {
  SessionCost cost;
  for (const int pid : pids) {
    cost.cpu_s += cpu_s(pid);
    cost.voluntary_switches += static_cast<double>(voluntary_switches(pid));
  }
  return cost;
}

}  // namespace bench
