// stress/floors.h: what the drivers of the look-up storm tell each other beside the session, so that a stale object is
// seen.
//   Layout     Floors, a file that the harness makes and reads (storm/look_ups.py has the same offsets)
//   Process    written by all drivers; `begun` and `published` of a name by the one driver that publishes it
//   Crash      a publisher writes `begun` before it publishes and `published` after it
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mix {

constexpr std::uint64_t kDriversMax = 4;
constexpr std::uint64_t kNames = 400;  // of all drivers together

struct Floors {
  std::atomic<std::uint64_t> look_ups;
  std::atomic<std::uint64_t> hits;
  std::atomic<std::uint64_t> begun[kNames];      // the newest version of a name that may be there
  std::atomic<std::uint64_t> published[kNames];  // the newest one that is there, or was
};

// Null when the file cannot be mapped.
inline Floors *map_floors(const char *path) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0 || ftruncate(file, sizeof(Floors)) != 0) return nullptr;
  void *const memory = mmap(nullptr, sizeof(Floors), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<Floors *>(memory);
}

}  // namespace mix
