// A smoke of the performance: ratios of costs that are measured in turns, never times. Bounds are several times what an
// idle machine shows; a message, a wake-up, a copy through fresh memory or a search that did not belong is more.
#include <doctest/doctest.h>
#include <linux/futex.h>
#include <mobula/view.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "process/session_case.h"

using namespace mobula::process;

namespace {

constexpr int kAttempts = 3;
constexpr int kSpans = 7;
constexpr double kSpanMs = 8;
constexpr std::size_t kDoublesPerMib = 131'072;
constexpr std::size_t kMib = 1u << 20;

int echo(int value) { return value; }
class Counter {
 public:
  static Counter *Make() { return new Counter; }
  int Add(int amount) { return count_ += amount; }

 private:
  int count_ = 0;
};
RAY_REMOTE(echo, Counter::Make, &Counter::Add);

// The value counts as read, and its memory with it.
template <typename T>
void use(const T &value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// Something whose cost is measured: the work is done `times` times in one call.
struct Work {
  int times;
  std::function<void()> call;
};

template <typename Operation>
Work repeat(int times, Operation operation) {
  return {times, [times, operation] {
            for (int i = 0; i < times; ++i) operation();
          }};
}

double milliseconds_each(const Work &work) {
  const auto start = Clock::now();
  double done = 0;
  double elapsed_ms = 0;
  for (; elapsed_ms < kSpanMs; elapsed_ms = milliseconds_since(start)) {
    work.call();
    done += work.times;
  }
  return elapsed_ms / done;
}

// How many times the cost of `other` that of `work` is. The two take turns, and each counts with its quickest span:
// what disturbs only ever adds.
double cost_ratio(const Work &work, const Work &other) {
  work.call();
  other.call();
  double work_ms = 1e9;
  double other_ms = 1e9;
  for (int span = 0; span < kSpans; ++span) {
    work_ms = std::min(work_ms, milliseconds_each(work));
    other_ms = std::min(other_ms, milliseconds_each(other));
  }
  return work_ms / other_ms;
}

// The best of some attempts, of which the first that is good enough is the last.
void check_ratio(const char *what, double times_max, const Work &work, const Work &other) {
  double best = 1e9;
  for (int attempt = 0; attempt < kAttempts && best > times_max; ++attempt) {
    best = std::min(best, cost_ratio(work, other));
  }
  std::printf("%s: %.2f times, at most %g\n", what, best, times_max);
  CAPTURE(what);
  CHECK(best <= times_max);
}

// A session with room for a few objects of 64 MiB. The ratios are shown, whatever they are.
void in_wide_session(const std::function<void()> &body) {
  const auto run = in_session(small_session(120'000, {{"MOBULA_MEMORY", "384MiB"}}), body);
  std::printf("%s", run.output.c_str());
  CHECK(run);
}

void put_and_drop() { use(ray::Put(7)); }
void task_sync() { use(*ray::Get(ray::Task(echo).Remote(1))); }
void tasks_async(int count) {
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < count; ++i) results.push_back(ray::Task(echo).Remote(i));
  use(ray::Get(results));
}

Work atomics() {
  return {1000, [] {
            static std::atomic<std::uint64_t> word{0};
            for (int i = 0; i < 1000; ++i) word.fetch_or(1ull << (i & 31));
          }};
}

// --- two processes that wake each other

using Word = std::atomic<std::uint32_t>;

void futex(Word &word, int operation, std::uint32_t value) {
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t *>(&word), operation, value, nullptr, nullptr, 0);
}

void pass_ball(Word &ball, std::uint32_t to) {
  ball.store(to);
  futex(ball, FUTEX_WAKE, 1);
}

void await_ball(Word &ball, std::uint32_t from) {
  while (ball.load() == from) futex(ball, FUTEX_WAIT, from);
}

// A process to wake and to be woken by, without anything of Mobula.
class Partner {
 public:
  Partner() {
    void *memory = ::mmap(nullptr, sizeof(Word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mobula::support::require(memory != MAP_FAILED, "mmap");
    ball_ = new (memory) Word{kOurs};
    process_ = ::fork();
    mobula::support::require(process_ >= 0, "fork");
    if (process_ == 0) play();
  }
  ~Partner() {
    pass_ball(*ball_, kOver);
    ::waitpid(process_, nullptr, 0);
    ::munmap(ball_, sizeof(Word));
  }
  Partner(const Partner &) = delete;
  Partner &operator=(const Partner &) = delete;

  void round_trip() {
    pass_ball(*ball_, kTheirs);
    await_ball(*ball_, kTheirs);
  }

 private:
  static constexpr std::uint32_t kOurs = 0, kTheirs = 1, kOver = 2;

  [[noreturn]] void play() {
    for (;;) {
      await_ball(*ball_, kOurs);
      if (ball_->load() == kOver) ::_exit(0);
      pass_ball(*ball_, kOurs);
    }
  }

  Word *ball_ = nullptr;
  pid_t process_ = -1;
};

void check_copies(const std::vector<double> &values, double put_times_max, double get_times_max) {
  const int times = values.size() > kDoublesPerMib ? 1 : 20;
  std::vector<double> target(values.size(), 2.0);
  check_ratio("put, against memcpy", put_times_max, repeat(times, [&] { use(ray::Put(values)); }), repeat(times, [&] {
                std::memcpy(target.data(), values.data(), values.size() * sizeof(double));
                use(*target.data());
              }));
  const auto object = ray::Put(values);
  check_ratio("get, against copying a vector", get_times_max, repeat(times, [&] { use(*ray::Get(object)); }),
              repeat(times, [&] {
                const std::vector<double> copy(values);
                use(*copy.data());
              }));
}

}  // namespace

TEST_SUITE("perf/ratios") {
  TEST_CASE("a small put and a small get take no message: they cost some atomics") {
    in_wide_session([] {
      const auto object = ray::Put(7);
      const Work get = repeat(1000, [&] { use(*ray::Get(object)); });
      check_ratio("put small, against lock or", 400, repeat(1000, put_and_drop), atomics());
      check_ratio("get small, against lock or", 200, get, atomics());
      check_ratio("get small, against put small", 4, get, repeat(1000, put_and_drop));
    });
  }

  TEST_CASE("a put copies once, and a get copies once") {
    in_wide_session([] {
      check_copies(std::vector<double>(kDoublesPerMib, 1.0), 3, 2.5);
      check_copies(std::vector<double>(64 * kDoublesPerMib, 1.0), 3, 2.5);
    });
  }

  TEST_CASE("a view costs the same whatever the size of what is viewed") {
    in_wide_session([] {
      const auto large = ray::Put(std::vector<double>(64 * kDoublesPerMib, 1.0));
      const auto small = ray::Put(std::vector<double>(kDoublesPerMib, 1.0));
      const auto view_of = [](const ray::ObjectRef<std::vector<double>> &object) {
        return repeat(100, [&object] { use(mobula::view(object)[0]); });
      };
      check_ratio("view of 64 MiB, against one of 1 MiB", 5, view_of(large), view_of(small));
    });
  }

  TEST_CASE("a task costs a few wake-ups, and tasks in a batch share them") {
    in_wide_session([] {
      tasks_async(1000);  // both workers are there
      const Work batch{1000, [] { tasks_async(1000); }};
      Partner partner;
      check_ratio("task sync, against a futex round trip", 25, repeat(10, task_sync),
                  repeat(10, [&] { partner.round_trip(); }));
      check_ratio("task async, against task sync", 0.25, batch, repeat(10, task_sync));
    });
  }

  TEST_CASE("a call of an actor costs about as much as a task") {
    in_wide_session([] {
      tasks_async(1000);
      const auto actor = ray::Actor(Counter::Make).Remote();
      const Work batch{1000, [&] {
                         std::vector<ray::ObjectRef<int>> results;
                         for (int i = 0; i < 1000; ++i) results.push_back(actor.Task(&Counter::Add).Remote(1));
                         use(ray::Get(results));
                       }};
      check_ratio("actor call sync, against task sync", 4,
                  repeat(10, [&] { use(*ray::Get(actor.Task(&Counter::Add).Remote(1))); }), repeat(10, task_sync));
      check_ratio("actor call async, against task async", 5, batch, {1000, [] { tasks_async(1000); }});
    });
  }

  TEST_CASE("what an operation costs does not grow with the number of live objects") {
    in_wide_session([] {
      std::vector<ray::ObjectRef<int>> held;
      const auto hold = [&held](std::size_t count) {
        while (held.size() < count) held.push_back(ray::Put(1));
        while (held.size() > count) held.pop_back();
      };
      // The objects come and go between the spans of the two sides: all that is timed is the operation.
      const auto compare = [&hold](const char *what, int times, const std::function<void()> &operation) {
        double best = 1e9;
        for (int attempt = 0; attempt < kAttempts && best > 2; ++attempt) {
          double few_ms = 1e9;
          double many_ms = 1e9;
          for (int span = 0; span < kSpans; ++span) {
            hold(100);
            few_ms = std::min(few_ms, milliseconds_each(repeat(times, operation)));
            hold(100'000);
            many_ms = std::min(many_ms, milliseconds_each(repeat(times, operation)));
          }
          best = std::min(best, many_ms / few_ms);
        }
        std::printf("%s with 100,000 live objects, against 100: %.2f times, at most 2\n", what, best);
        CHECK(best <= 2);
      };
      const auto object = ray::Put(7);
      compare("put small", 1000, put_and_drop);
      compare("get small", 1000, [&] { use(*ray::Get(object)); });
      compare("a batch of tasks", 1, [] { tasks_async(1000); });
    });
  }
}
