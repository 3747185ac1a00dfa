// support/leak_checks.h: what a process and the machine hold right now, to be compared before and after a test.
//   Threads    reentrant
//   Errors     a faulty /proc is an exception: a check that cannot look must not pass
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mobula::support {

// File descriptors of this process: number -> what it names. The one used for looking is left out.
std::map<int, std::string> open_fds();

// "" when equal, else one sentence that names each descriptor opened or closed in between.
std::string describe_fd_difference(const std::map<int, std::string> &before, const std::map<int, std::string> &after);

struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';  // as in /proc/<pid>/stat; 'Z' has ended and waits to be reaped
  std::string command_line;
};

// Direct children of `parent`, zombies included. Cost: one read per process of the machine.
std::vector<ProcessInfo> children_of(pid_t parent);

// Files below `folder`, relative. Empty folders directly below it do not count; everything else does.
std::vector<std::string> files_below(const std::string &folder);

// Shmem: of /proc/meminfo, in KiB. Brings the kernel's per-CPU counters up to date first where it may.
std::int64_t shmem_kib();

// How far shmem_kib() may be off because those counters cannot be brought up to date without privileges.
std::int64_t shmem_drift_kib();

}  // namespace mobula::support
