// views/measure.h: what the examples of views measure: time, shared memory of the machine, bytes that were copied.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

namespace measure {

inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Shared memory of the whole machine.
inline double shmem_mib() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == "Shmem:" && file >> kib) return kib / 1024;
  }
  throw std::runtime_error("/proc/meminfo has no Shmem:");
}

// As the kernel says: true when other processes see these bytes, too, so that they are no copy of this process's own.
inline bool is_shared(const void *address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s", &begin, &end, rights) != 3) continue;
    const auto place = reinterpret_cast<std::uintptr_t>(address);
    if (place >= begin && place < end) return rights[3] == 's';
  }
  return false;
}

// How many bytes it took to have this array here: all of them, unless it lies in the store.
template <typename Array>
std::uint64_t copied_bytes(const Array &array) {
  return is_shared(array.data()) ? 0 : array.size() * sizeof(array[0]);
}

constexpr double kMiB = 1 << 20;

// The number after `name` on the command line; `otherwise` when it is not there.
inline std::size_t option(int argc, char **argv, const std::string &name, std::size_t otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return std::strtoull(argv[i + 1], nullptr, 10);
  }
  return otherwise;
}

}  // namespace measure
