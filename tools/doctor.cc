#include "tools/doctor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

namespace mobula::tools {
namespace {

constexpr int kPauseMs = 20;  // several turns of a process that waits for a CPU

// The descriptor's file, opened again, when it is a segment of that raylet.
base::File open_if_segment(const std::string &path, int raylet_pid) {
  struct stat facts {};
  const bool is_candidate = stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 0 &&
                            facts.st_size >= static_cast<off_t>(segment::kPageBytes);
  if (!is_candidate) return {};
  base::File file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  segment::SegmentHeader header{};
  constexpr std::size_t kBytes = offsetof(segment::SegmentHeader, regions);
  if (!file || pread(file.get(), static_cast<void *>(&header), kBytes, 0) != static_cast<ssize_t>(kBytes)) return {};
  const bool is_ours = header.magic == segment::kMagic && header.raylet_pid == static_cast<std::uint32_t>(raylet_pid);
  return is_ours ? std::move(file) : base::File();
}

bool has_ended(const base::File &process, int wait_ms) {
  pollfd ended{process.get(), POLLIN, 0};
  return poll(&ended, 1, wait_ms) > 0;
}

}  // namespace

Status open_segment_of(int raylet_pid, std::unique_ptr<segment::Segment> *segment) {
  const std::string folder = fmt::format("/proc/{}/fd", raylet_pid);
  std::error_code code;
  for (const auto &descriptor : std::filesystem::directory_iterator(folder, code)) {
    base::File file = open_if_segment(descriptor.path().string(), raylet_pid);
    if (file) return segment::Segment::attach(std::move(file), segment);
  }
  return base::failure(Code::kInvalidArgument, fmt::format("no segment of raylet {} was found in {}{}{}", raylet_pid,
                                                           folder, code ? ": " : "", code ? code.message() : ""));
}

Status examine(int raylet_pid, objects::Audit *audit) {
  const base::File raylet(static_cast<int>(syscall(SYS_pidfd_open, raylet_pid, 0)));
  std::unique_ptr<segment::Segment> segment;
  if (Status status = open_segment_of(raylet_pid, &segment)) return status;
  *audit = objects::audit(*segment, [&raylet] { has_ended(raylet, kPauseMs); });
  if (!has_ended(raylet, 0)) return nullptr;
  return base::failure(Code::kRayletDied,
                       fmt::format("the raylet (pid {}) ended while its session was examined", raylet_pid));
}

}  // namespace mobula::tools
