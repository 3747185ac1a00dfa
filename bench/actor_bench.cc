// What many actors cost: made, called once and ended; and how soon a queue ends whose actor is killed.
//   actor_bench [ACTORS]      default 1000. Exit status 1 when a promise is broken
#include <ray/api.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr int kActorsDefault = 1'000;
constexpr double kSecondsMax = 2.0;  // to make, call and end kActorsDefault of them
constexpr int kQueuedCalls = 10'000;
constexpr rlim_t kDescriptorsSoft = 1'024;

class Counter {
 public:
  static Counter *Make() { return new Counter; }
  int Add(int amount) { return count_ += amount; }
  int Pid() { return ::getpid(); }

 private:
  int count_ = 0;
};

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool is_alive(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  return text.find(") Z") == std::string::npos && !text.empty();
}

// Seconds until all are made and called, and until all their processes are gone.
bool measure_many(int count) {
  const double start = now_s();
  std::vector<int> pids;
  double called = 0;
  {
    std::vector<ray::ActorHandle<Counter>> actors;
    std::vector<ray::ObjectRef<int>> results;
    for (int i = 0; i < count; ++i) actors.push_back(ray::Actor(Counter::Make).Remote());
    for (const auto &actor : actors) results.push_back(actor.Task(&Counter::Pid).Remote());
    for (const auto &pid : ray::Get(results)) pids.push_back(*pid);
    called = now_s() - start;
  }
  for (const int pid : pids) {
    while (is_alive(pid)) ::usleep(500);
  }
  const double ended = now_s() - start;
  std::printf("%d actors: made and called in %.2f s, ended %.2f s later: %.2f s in all\n", count, called,
              ended - called, ended);
  return count != kActorsDefault || ended < kSecondsMax;
}

// Each call ends in a result or RayActorException, in order.
bool measure_kill() {
  const auto actor = ray::Actor(Counter::Make).Remote();
  const int pid = *actor.Task(&Counter::Pid).Remote().Get();
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < kQueuedCalls; ++i) results.push_back(actor.Task(&Counter::Add).Remote(1));
  results[kQueuedCalls / 8].Get();  // the others are on their way
  ::kill(pid, SIGKILL);
  int good = 0;
  int failed = 0;
  bool in_order = true;
  for (const auto &result : results) {
    try {
      in_order &= *result.Get(10'000) == ++good && failed == 0;
    } catch (const ray::internal::RayActorException &) {
      ++failed;
    }
  }
  std::printf("%d queued calls, actor killed: %d results, %d RayActorException, %s\n", kQueuedCalls, good, failed,
              in_order ? "in order" : "NOT in order");
  return in_order && failed > 0 && good + failed == kQueuedCalls;
}

}  // namespace

RAY_REMOTE(Counter::Make, &Counter::Add, &Counter::Pid);

int main(int argc, char **argv) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = std::min(limit.rlim_cur, kDescriptorsSoft);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ray::Init();
  const bool many = measure_many(argc > 1 ? std::atoi(argv[1]) : kActorsDefault);
  const bool killed = measure_kill();
  ray::Shutdown();
  return many && killed ? 0 : 1;
}
