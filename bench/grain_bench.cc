// How long a task has to compute to be worth sending: tasks of given lengths, one at a time and many at once, and the
// part of the machine's time that went into computing. Portable: scripts/on-ray --num-cpus N bench/grain_bench.cc -- N
//   grain_bench [CORES]      default 2
#include <ray/api.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

double thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

// Computes for so much time of its own: what others take from it counts as lost.
int compute(int length_us) {
  const double end_us = thread_cpu_us() + length_us;
  int rounds = 0;
  while (thread_cpu_us() < end_us) ++rounds;
  return rounds > 0 ? 0 : 1;
}
RAY_REMOTE(compute);

namespace {

double one_at_a_time_us(int length_us, int count) {
  const double start_us = now_us();
  for (int i = 0; i < count; ++i) ray::Task(compute).Remote(length_us).Get();
  return (now_us() - start_us) / count;
}

double many_at_once_us(int length_us, int count) {
  const double start_us = now_us();
  std::vector<ray::ObjectRef<int>> results;
  results.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) results.push_back(ray::Task(compute).Remote(length_us));
  ray::Get(results);
  return (now_us() - start_us) / count;
}

}  // namespace

int main(int argc, char **argv) {
  const int cores = argc > 1 && std::atoi(argv[1]) > 0 ? std::atoi(argv[1]) : 2;
  ray::RayConfig config;
  config.head_args = {"--num-cpus", std::to_string(cores)};
  ray::Init(config);
  many_at_once_us(1'000, 200);  // workers are there, code is loaded
  std::printf("overhead of a task, one at a time: %.0f us, many at once: %.1f us\n", one_at_a_time_us(0, 300),
              many_at_once_us(0, 2'000));
  std::printf("| a task computes for | one at a time: computing | many on %d cores: computing |\n|---:|---:|---:|\n",
              cores);
  for (const int length_us : {100, 300, 1'000, 3'000, 10'000, 30'000}) {
    const int count = std::max(20, std::min(1'000, 1'000'000 / length_us));
    const double single = length_us / one_at_a_time_us(length_us, count / 4) * 100;
    const double many = length_us / (many_at_once_us(length_us, count) * cores) * 100;
    std::printf("| %.1f ms | %.0f %% of one core | %.0f %% |\n", length_us / 1e3, single, many);
  }
  ray::Shutdown();
}
