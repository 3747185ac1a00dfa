#include "tools/surroundings.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "wire/socket.h"

namespace mobula::tools {
namespace {

constexpr const char *kSharedMemoryFolder = "/dev/shm";
constexpr const char *kControlGroups = "/sys/fs/cgroup";
constexpr std::uint64_t kBytesPerKiB = 1024;

std::string text_of(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The number behind the line's first words, such as "MemAvailable:".
std::uint64_t number_after(const std::string &text, const std::string &words) {
  const std::size_t found = text.find(words);
  if (found == std::string::npos) return kNoLimit;
  const char *const begin = text.c_str() + found + words.size();
  char *end = nullptr;
  const std::uint64_t number = std::strtoull(begin, &end, 10);
  return end == begin ? kNoLimit : number;
}

// By a signal, or by a debugger.
bool is_stopped(std::uint32_t pid) {
  const std::string stat = text_of(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && (stat[name_end + 2] == 'T' || stat[name_end + 2] == 't');
}

std::vector<std::uint32_t> stopped_clients(const segment::Segment &segment) {
  std::vector<std::uint32_t> stopped;
  const std::uint32_t clients = std::min(segment.header().clients_reserved.load(), base::kClientsMax);
  for (std::uint32_t id = 1; id < clients; ++id) {
    const segment::ClientSlot &slot = segment.client(id);
    const std::uint32_t pid = slot.pid;
    if (slot.kind != segment::ClientKind::kNone && pid != 0 && is_stopped(pid)) stopped.push_back(pid);
  }
  return stopped;
}

// Nothing is left there that could keep a new segment from growing.
std::uint64_t free_shared_memory(const segment::Segment &segment) {
  struct stat own {};
  struct stat folder {};
  struct statvfs space {};
  const bool lies_there = fstat(segment.descriptor(), &own) == 0 && stat(kSharedMemoryFolder, &folder) == 0 &&
                          own.st_dev == folder.st_dev && statvfs(kSharedMemoryFolder, &space) == 0;
  // A size of 0 is a file system without a limit.
  return lies_there && space.f_blocks != 0 ? std::uint64_t{space.f_bavail} * space.f_frsize : kNoLimit;
}

// The lock file has the pid of the raylet that had the folder last.
bool is_stale(const std::filesystem::path &folder) {
  const int pid = std::atoi(text_of(folder / "lock").c_str());
  return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

std::vector<std::string> stale_sessions() {
  std::string sessions;
  std::vector<std::string> stale;
  if (wire::sessions_folder(&sessions) != nullptr) return stale;
  std::error_code code;
  for (const auto &folder : std::filesystem::directory_iterator(sessions, code)) {
    if (is_stale(folder.path())) stale.push_back(folder.path().filename().string());
  }
  std::sort(stale.begin(), stale.end());
  return stale;
}

std::uint64_t limit_in(const std::filesystem::path &folder) {
  std::uint64_t limit = kNoLimit;
  for (const char *name : {"memory.max", "memory.limit_in_bytes"}) {
    limit = std::min(limit, number_after(text_of(folder / name), ""));  // "max" is no number
  }
  return limit;
}

}  // namespace

std::uint64_t memory_limit(const std::string &root, const std::string &membership) {
  std::uint64_t limit = kNoLimit;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    // "0::/path" of version 2, "4:memory:/path" of version 1.
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && controllers != "memory") continue;
    const std::filesystem::path top = controllers.empty() ? root : root + "/memory";
    const std::filesystem::path path = std::filesystem::path(line.substr(second + 1)).relative_path();
    limit = std::min(limit, limit_in(top));
    std::filesystem::path folder = top;
    for (const std::filesystem::path &part : path) limit = std::min(limit, limit_in(folder /= part));
  }
  return limit;
}

Surroundings read_surroundings(const std::string &session, int raylet_pid, const segment::Segment &segment) {
  const std::string raylet = fmt::format("/proc/{}", raylet_pid);
  std::error_code code;
  Surroundings facts;
  facts.session = session;
  facts.raylet_pid = raylet_pid;
  facts.raylet_is_stopped = is_stopped(static_cast<std::uint32_t>(raylet_pid));
  facts.raylet_was_replaced = std::filesystem::read_symlink(raylet + "/exe", code).string().ends_with(" (deleted)");
  facts.capacity_bytes = segment.capacity_bytes();
  facts.reserved_bytes = std::min(segment.header().data_reserved_bytes.load(), facts.capacity_bytes);
  facts.shm_free_bytes = free_shared_memory(segment);
  facts.memory_limit_bytes = memory_limit(kControlGroups, text_of(raylet + "/cgroup"));
  const std::uint64_t available_kib = number_after(text_of("/proc/meminfo"), "MemAvailable:");
  if (available_kib != kNoLimit) facts.available_bytes = available_kib * kBytesPerKiB;
  const std::filesystem::directory_iterator open(raylet + "/fd", code);
  if (!code) facts.descriptors = static_cast<std::uint64_t>(std::distance(open, {}));
  facts.descriptors_max = number_after(text_of(raylet + "/limits"), "Max open files");
  facts.stale_sessions = stale_sessions();
  facts.stopped_pids = stopped_clients(segment);
  facts.log_lost = segment.header().log_lost.load(std::memory_order_relaxed);
  return facts;
}

}  // namespace mobula::tools
