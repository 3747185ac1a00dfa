#include "support/leak_checks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mobula::support {
namespace {

namespace fs = std::filesystem;

std::string read_whole(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// -1 for a name that is no number.
int number_of(const std::string &name) {
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && end == name.data() + name.size() ? number : -1;
}

// Zeroes separate the arguments in /proc; a kernel or dead process has none, its short name then stands in.
std::string command_line_of(const std::string &folder, const std::string &short_name) {
  std::string line = read_whole(folder + "/cmdline");
  std::replace(line.begin(), line.end(), '\0', ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line.empty() ? short_name : line;
}

// False when the process is gone, which may happen at any time while looking.
bool read_process(pid_t pid, ProcessInfo *info) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string stat = read_whole(folder + "/stat");
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');  // the name itself may contain any of these characters
  if (open == std::string::npos || close == std::string::npos) return false;
  std::istringstream rest(stat.substr(close + 1));
  info->pid = pid;
  rest >> info->state >> info->parent;
  if (!rest) return false;
  info->command_line = command_line_of(folder, stat.substr(open, close - open + 1));
  return true;
}

// Shmem: sums per-CPU counters that are folded in about once a second; touching this file folds them now.
bool refresh_counters() {
  const int fd = ::open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, "1", 1) == 1;
  ::close(fd);
  return done;
}

}  // namespace

std::map<int, std::string> open_fds() {
  std::vector<int> numbers;
  for (const auto &entry : fs::directory_iterator("/proc/self/fd")) {
    numbers.push_back(number_of(entry.path().filename().string()));
  }
  std::map<int, std::string> found;
  for (const int number : numbers) {
    std::error_code gone;  // the iterator's own descriptor is closed by now
    const fs::path target = fs::read_symlink("/proc/self/fd/" + std::to_string(number), gone);
    if (!gone) found[number] = target.string();
  }
  return found;
}

std::string describe_fd_difference(const std::map<int, std::string> &before, const std::map<int, std::string> &after) {
  std::string text;
  const auto note = [&text](const char *what, int number, const std::string &target) {
    text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", what, number, target);
  };
  for (const auto &[number, target] : after) {
    const auto old = before.find(number);
    if (old == before.end() || old->second != target) note("left open: fd", number, target);
  }
  for (const auto &[number, target] : before) {
    if (after.find(number) == after.end()) note("closed: fd", number, target);
  }
  return text;
}

std::vector<ProcessInfo> children_of(pid_t parent) {
  std::vector<ProcessInfo> children;
  for (const auto &entry : fs::directory_iterator("/proc")) {
    const int pid = number_of(entry.path().filename().string());
    ProcessInfo info;
    if (pid > 0 && read_process(pid, &info) && info.parent == parent) children.push_back(info);
  }
  return children;
}

std::vector<std::string> files_below(const std::string &folder) {
  std::vector<std::string> names;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    const bool program_folder = entry.depth() == 0 && entry->is_directory();
    if (!program_folder) names.push_back(fs::relative(entry->path(), folder).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t shmem_kib() {
  refresh_counters();
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    if (line.rfind("Shmem:", 0) == 0) return std::stoll(line.substr(6));
  }
  throw std::runtime_error("/proc/meminfo has no line Shmem:");
}

std::int64_t shmem_drift_kib() {
  if (::access("/proc/sys/vm/stat_refresh", W_OK) == 0) return 0;
  // The kernel lets each CPU hold back at most 125 pages.
  return 125 * ::sysconf(_SC_NPROCESSORS_ONLN) * ::sysconf(_SC_PAGESIZE) / 1024;
}

}  // namespace mobula::support
