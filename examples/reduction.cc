// Sums a large array with several tasks: each views the whole array where it lies, and nothing is copied.
//   reduction [--mib 256] [--tasks 8]        exit status 1 when the two ways do not agree
// Beside it the same with arguments by value: each task gets its own slice, into the store and out of it again.
#include <mobula/draft.h>
#include <mobula/view.h>
#include <ray/api.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

#include "views/measure.h"

namespace {

using Numbers = std::vector<double>;

struct Part {
  double sum = 0;
  std::uint64_t copied_bytes = 0;
  MSGPACK_DEFINE(sum, copied_bytes)
};

Part sum_viewed(mobula::View<Numbers> numbers, std::size_t first, std::size_t count) {
  return {std::accumulate(numbers.begin() + first, numbers.begin() + first + count, 0.0),
          measure::copied_bytes(numbers)};
}
Part sum_copied(Numbers slice) {
  return {std::accumulate(slice.begin(), slice.end(), 0.0), measure::copied_bytes(slice)};
}

RAY_REMOTE(sum_viewed, sum_copied);

// Written where it will lie.
ray::ObjectRef<Numbers> make_numbers(std::size_t count) {
  auto numbers = mobula::create<double>(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<double>(i % 1000);
  return std::move(numbers).seal();
}

Part add(const std::vector<ray::ObjectRef<Part>> &parts) {
  Part total;
  for (const auto &part : parts) {
    const auto one = part.Get();
    total.sum += one->sum;
    total.copied_bytes += one->copied_bytes;
  }
  return total;
}

Part reduce_views(const ray::ObjectRef<Numbers> &numbers, std::size_t count, std::size_t tasks) {
  std::vector<ray::ObjectRef<Part>> parts;
  for (std::size_t i = 0; i < tasks; ++i) {
    const std::size_t first = count * i / tasks;
    parts.push_back(ray::Task(sum_viewed).Remote(numbers, first, count * (i + 1) / tasks - first));
  }
  return add(parts);
}

Part reduce_copies(const ray::ObjectRef<Numbers> &numbers, std::size_t tasks) {
  const mobula::View<Numbers> all = mobula::view(numbers);
  std::vector<ray::ObjectRef<Part>> parts;
  for (std::size_t i = 0; i < tasks; ++i) {
    const Numbers slice(all.begin() + all.size() * i / tasks, all.begin() + all.size() * (i + 1) / tasks);
    parts.push_back(ray::Task(sum_copied).Remote(slice));
  }
  Part total = add(parts);
  total.copied_bytes += all.size() * sizeof(double);  // into the store
  return total;
}

// What one way to do it took, at best.
struct Way {
  Part total;
  double seconds = 1e9;
  double shmem_mib = 0;

  template <typename Reduce>
  void run(Reduce reduce) {
    const double shmem_before_mib = measure::shmem_mib();
    const double start_s = measure::now_s();
    total = reduce();
    seconds = std::min(seconds, measure::now_s() - start_s);
    shmem_mib = std::max(shmem_mib, measure::shmem_mib() - shmem_before_mib);
  }
  void print(const char *name) const {
    std::printf("%-20s %10.1f MiB %14.1f MiB %10.4f s\n", name, static_cast<double>(total.copied_bytes) / measure::kMiB,
                shmem_mib, seconds);
  }
};

}  // namespace

int main(int argc, char **argv) {
  const std::size_t mib = measure::option(argc, argv, "--mib", 256);
  const std::size_t tasks = std::max<std::size_t>(measure::option(argc, argv, "--tasks", 8), 1);
  const std::size_t count = (mib << 20) / sizeof(double);
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", std::to_string((3 * mib + 64) << 20)};
  ray::Init(config, argc, argv);

  const auto numbers = make_numbers(count);
  Way viewed;
  Way copied;
  for (int round = 0; round < 3; ++round) {  // in turns, so that a busy machine slows both
    viewed.run([&] { return reduce_views(numbers, count, tasks); });
    copied.run([&] { return reduce_copies(numbers, tasks); });
  }
  std::printf("sum of %zu MiB by %zu tasks: %.0f\n", mib, tasks, viewed.total.sum);
  std::printf("%-20s %14s %18s %12s\n", "", "bytes copied", "Shmem growth", "time");
  viewed.print("viewed");
  copied.print("slices by value");
  std::printf("viewed is %.1f times as fast\n", copied.seconds / viewed.seconds);
  ray::Shutdown();
  return viewed.total.sum == copied.total.sum ? 0 : 1;
}
