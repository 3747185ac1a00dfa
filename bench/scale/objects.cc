// Cost of an operation while so many objects are alive, and of freeing so many.
#include <mobula/retention.h>
#include <ray/api.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "scale/curves.h"
#include "session_processes.h"

namespace bench::scale {
namespace {

// One operation does the same work whatever else is alive. What remains is that a million headers of 256 bytes do not
// fit the caches that a hundred fit: twice.
constexpr double kFlatTimes = 2.0;

constexpr std::size_t kBlockBytes = 200;  // more than fits a header: the object has a block

void start(const char *memory) {
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", memory};
  ray::Init(config);
}

std::vector<ray::ObjectRef<int>> put_many(double count) {
  std::vector<ray::ObjectRef<int>> held;
  held.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < static_cast<int>(count); ++i) held.push_back(ray::Put(i));
  return held;
}

// Returns the cost at the largest number.
double measure(Curves &curves, const Settings &settings, const char *name, int times,
               double (*one)(const std::vector<ray::ObjectRef<int>> &held, int times, double seconds)) {
  curves.begin(std::string(name) + ", live objects", "ns");
  for (const double count : steps(100, settings.largest_count, 10)) {
    const std::vector<ray::ObjectRef<int>> held = put_many(count);
    curves.add(count, one(held, times, settings.seconds));
  }
  return curves.last();
}

double put_and_drop_ns(const std::vector<ray::ObjectRef<int>> &, int times, double seconds) {
  return nanoseconds_of(times, seconds, [] { use(ray::Put(7)); });
}

// The object's id leaves the process, so the raylet frees it: what a put costs when raylet and grants are in the way.
double shared_put_ns(const std::vector<ray::ObjectRef<int>> &, int times, double seconds) {
  return nanoseconds_of(times, seconds, [] { use(ray::Put(7).ID()); });
}

double get_ns(const std::vector<ray::ObjectRef<int>> &held, int times, double seconds) {
  return nanoseconds_of(times, seconds, [&] { use(*held.front().Get()); });
}

double get_any_ns(const std::vector<ray::ObjectRef<int>> &held, int times, double seconds) {
  std::minstd_rand random(1);
  return nanoseconds_of(times, seconds, [&] { use(*held[random() % held.size()].Get()); });
}

std::vector<ray::ObjectRef<std::array<char, kBlockBytes>>> retain_many(double count) {
  std::vector<ray::ObjectRef<std::array<char, kBlockBytes>>> held;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    held.push_back(mobula::put_retained(std::array<char, kBlockBytes>{}));
  }
  return held;
}

// Until the raylet has freed what was dropped: the figures are read from the segment. While it sleeps it need not know
// yet, so it is asked for something: before it answers it hears of what is free.
void wait_until_freed(std::uint64_t objects_left) {
  mobula::evict(0);
  for (;;) {
    mobula::runtime::StoreStats stats;
    ray::internal::throw_unless_ok(mobula::runtime::store_stats(&stats));
    if (stats.objects <= objects_left) return;
  }
}

int raylet_pid() {
  for (const int pid : session_processes()) {
    if (read_text("/proc/" + std::to_string(pid) + "/comm").rfind("mobula-raylet", 0) == 0) return pid;
  }
  return 0;
}

// What the eviction pass costs for each of 1,000 victims among so many retained objects. A victim was put long ago: one
// line of memory more, and twice.
void measure_evicting(Curves &curves, const Settings &settings) {
  constexpr std::uint64_t kVictims = 1000;
  constexpr int kPasses = 9;
  curves.begin("evict one, retained objects", "ns");
  for (const double count : {2e4, 1e5, 1e6}) {
    if (count > settings.largest_count) continue;
    retain_many(count).clear();
    std::vector<double> each_ns;
    for (int pass = 0; pass < kPasses; ++pass) {
      const double start_s = now_s();
      const mobula::Freed freed = mobula::evict(kVictims * kBlockBytes);
      if (freed.objects != 0) each_ns.push_back((now_s() - start_s) * 1e9 / static_cast<double>(freed.objects));
    }
    curves.add(count, quantile(each_ns, 0.5));
    mobula::evict(~0ull);
  }
  const auto largest = static_cast<std::size_t>(settings.largest_count);
  curves.promise_at_most(kFlatTimes * (curves.first() + line_ns(largest, settings.seconds)));
}

// The raylet's CPU time for each object that is dropped, when so many are dropped at once.
void measure_dropping(Curves &curves, const Settings &settings) {
  constexpr double kDroppedMin = 1e6;  // CPU time is counted in ticks of 10 ms
  const int raylet = raylet_pid();
  curves.begin("raylet frees one, objects dropped at once", "ns");
  for (const double count : steps(1e4, settings.largest_count, 10)) {
    double dropped = 0;
    const double before_s = cpu_s(raylet);
    for (; dropped < kDroppedMin || dropped < settings.largest_count; dropped += count) {
      std::vector<ray::ObjectRef<int>> held = put_many(count);
      for (const auto &object : held) use(object.ID());
      held.clear();
      wait_until_freed(0);
    }
    curves.add(count, (cpu_s(raylet) - before_s) * 1e9 / dropped);
  }
  curves.promise_cost(kFlatTimes);
}

}  // namespace

double line_ns(std::size_t headers, double seconds) {
  constexpr std::size_t kHeaderBytes = 256;
  const std::size_t bytes = headers * kHeaderBytes;
  void *const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory to compare with");
  auto *const words = static_cast<std::size_t *>(memory);
  for (std::size_t i = 0; i < headers; ++i) words[i * kHeaderBytes / sizeof *words] = i;
  std::minstd_rand random(1);
  std::size_t last = 0;
  const double nanoseconds = nanoseconds_of(1000, seconds, [&] {
    last = words[(random() + (last & 1)) % headers * kHeaderBytes / sizeof *words];
    use(last);
  });
  ::munmap(memory, bytes);
  return nanoseconds;
}

void measure_live_objects(Curves &curves, const Settings &settings) {
  start("2GiB");
  measure(curves, settings, "put and drop", 1000, put_and_drop_ns);
  curves.promise_cost(kFlatTimes);
  measure(curves, settings, "put and drop of what others know", 1000, shared_put_ns);
  curves.promise_cost(kFlatTimes);
  const double cached_ns = measure(curves, settings, "get of one", 1000, get_ns);
  curves.promise_cost(kFlatTimes);
  const double largest_line_ns =
      measure(curves, settings, "read of any header's memory", 1000,
              [](const auto &held, int, double seconds) { return line_ns(held.size(), seconds); });
  measure(curves, settings, "get of any", 1000, get_any_ns);
  curves.promise_at_most(kFlatTimes * (cached_ns + kLinesOfOne * largest_line_ns));
  ray::Shutdown();
}

void measure_freeing(Curves &curves, const Settings &settings) {
  start("2GiB");
  measure_evicting(curves, settings);
  measure_dropping(curves, settings);
  ray::Shutdown();
}

}  // namespace bench::scale
