#include "raylet/process_status.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace mobula::raylet {
namespace {

// Of linux/pidfd.h, which Debian 12 has without them.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kExitInfo = 1 << 3;  // PIDFD_INFO_EXIT
constexpr unsigned long kGetInfo = _IOWR(0xff, 11, PidfdInfo);

// Still there, though ended: then /proc/PID is of this process and of no other that got its number.
bool is_uncollected(int pidfd) { return syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0; }

std::optional<int> status_in_proc(pid_t pid) {
  constexpr int kFieldsAfterName = 50;  // the last is exit_code, field 52; the name, field 2, may hold anything
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string field;
  for (int i = 0; i < kFieldsAfterName; ++i) {
    if (!(fields >> field)) return std::nullopt;
  }
  return std::atoi(field.c_str());
}

std::optional<int> status_in_pidfd(int pidfd) {
  PidfdInfo info{};
  info.mask = kExitInfo;
  if (ioctl(pidfd, kGetInfo, &info) != 0 || (info.mask & kExitInfo) == 0) return std::nullopt;
  return info.exit_code;
}

}  // namespace

std::optional<int> status_of_ended(pid_t pid, int pidfd) {
  const std::optional<int> status = status_in_proc(pid);
  if (status && is_uncollected(pidfd)) return status;
  return status_in_pidfd(pidfd);
}

}  // namespace mobula::raylet
