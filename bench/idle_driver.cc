// A driver that has used all its workers and then does nothing: what bench/footprint looks at.
//   idle_driver      prints "idle" and waits for the end of its input
#include <ray/api.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <vector>

int rest(int wait_us) {
  ::usleep(static_cast<useconds_t>(wait_us));
  return ::getpid();
}
RAY_REMOTE(rest);

namespace {

constexpr int kTasks = 16;
constexpr int kTaskUs = 20'000;  // long enough for every worker to get some

void run() {
  ray::Init();
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < kTasks; ++i) results.push_back(ray::Task(rest).Remote(kTaskUs));
  ray::Get(results);
  std::puts("idle");
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  ray::Shutdown();
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception &error) {
    std::fprintf(stderr, "idle_driver: %s\n", error.what());
    return 1;
  }
  return 0;
}
