// What this machine can do at best: the figures that others are held against. No session, nothing of Mobula.
//   limits_bench [--json FILE] [--quick]
// One thread, except for the ping-pong. Medians of several spans of time.
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>

#include "rows.h"

namespace {

using bench::now_s;
using bench::Rate;
using bench::Table;
using bench::use;

constexpr std::size_t kMib = 1u << 20;
// Buffers that the copies go to in turn. An object that is dropped at once leaves its extent to the next one, so a
// store copies into the same pages again and again: the limit does so, too.
constexpr std::size_t kTargets = 1;
constexpr int kSpans = 9;
constexpr int kAtomicsInOneCall = 10'000;

struct Lengths {
  double row_s = 2.0;  // all spans of a row together
  int program_starts = 400;
};

void require(bool well, const char *what) {
  if (!well) throw std::runtime_error(what);
}

// Calls in one second: the median of the spans. One call first, unmeasured.
template <typename Operation>
double median_rate(double row_s, Operation operation) {
  operation();
  std::vector<double> rates;
  for (int span = 0; span < kSpans; ++span) {
    const double start = now_s();
    double elapsed = 0;
    double done = 0;
    while (elapsed < row_s / kSpans) {
      operation();
      ++done;
      elapsed = now_s() - start;
    }
    rates.push_back(done / elapsed);
  }
  return bench::quantile(rates, 0.5);
}

// The rate, and the same as bytes: what one compares with the data sheet of the memory.
template <typename Operation>
void measure_copy(Table &table, const std::string &what, std::size_t bytes, double row_s, Operation operation) {
  const std::string name = what + ' ' + std::to_string(bytes / kMib) + " MiB";
  const double rate = median_rate(row_s, operation);
  table.add(name, rate, "/s", 1);
  table.add(name + ", bandwidth", rate * static_cast<double>(bytes) / 1e9, "GB/s", 2);
}

void measure_memory(Table &table, std::size_t bytes, double row_s) {
  const std::size_t count = bytes / sizeof(double);
  const std::vector<double> source(count, 1.0);
  std::vector<std::vector<double>> targets(kTargets, std::vector<double>(count, 2.0));  // every page is touched
  std::size_t next = 0;
  measure_copy(table, "memcpy", bytes, row_s, [&] {
    std::memcpy(targets[next].data(), source.data(), bytes);
    use(*targets[next].data());
    next = (next + 1) % kTargets;
  });
  // Two ways to a vector of one's own: the first writes it once, the second fills it with zeros before.
  measure_copy(table, "copy of a vector of", bytes, row_s, [&] {
    const std::vector<double> copy(source);
    use(*copy.data());
  });
  measure_copy(table, "new vector and memcpy of", bytes, row_s, [&] {
    std::vector<double> copy(count);
    std::memcpy(copy.data(), source.data(), bytes);
    use(*copy.data());
  });
}

// --- wake-ups

using Word = std::atomic<std::uint32_t>;
static_assert(sizeof(Word) == sizeof(std::uint32_t));

struct Court {
  Word ball{0};  // whose turn it is: 0 ours, 1 the other process's, kOver at the end
};
constexpr std::uint32_t kOver = 2;

void futex(Word &word, int operation, std::uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t *>(&word), operation, value, nullptr, nullptr, 0);
}

void pass(Word &ball, std::uint32_t to) {
  ball.store(to);
  futex(ball, FUTEX_WAKE, 1);
}

void await_change(Word &ball, std::uint32_t from) {
  while (ball.load() == from) futex(ball, FUTEX_WAIT, from);
}

std::vector<int> own_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  require(sched_getaffinity(0, sizeof(set), &set) == 0, "sched_getaffinity failed");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void run_on(const std::vector<int> &cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  require(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity failed");
}

[[noreturn]] void play(Word &ball, int cpu) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  run_on({cpu});
  for (;;) {
    await_change(ball, 0);
    if (ball.load() == kOver) _exit(0);
    pass(ball, 0);
  }
}

// Two processes wake each other in turn: one of them sleeps whenever the other runs.
void measure_ping_pong(Table &table, const char *name, int our_cpu, int their_cpu, double row_s) {
  const std::vector<int> all = own_cpus();
  void *memory = mmap(nullptr, sizeof(Court), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap failed");
  Word &ball = (new (memory) Court)->ball;
  const pid_t child = fork();
  require(child >= 0, "fork failed");
  if (child == 0) play(ball, their_cpu);
  run_on({our_cpu});
  Rate(table).measure_each(
      name,
      [&] {
        pass(ball, 1);
        await_change(ball, 1);
      },
      row_s);
  pass(ball, kOver);
  waitpid(child, nullptr, 0);
  run_on(all);
  munmap(memory, sizeof(Court));
}

// --- instructions and processes

double nanoseconds_each(double row_s, const std::function<void()> &many) {
  return 1e9 / (median_rate(row_s, many) * kAtomicsInOneCall);
}

void measure_instructions(Table &table, double row_s) {
  std::atomic<std::uint64_t> word{0};
  const auto set_bits = [&] {
    for (int i = 0; i < kAtomicsInOneCall; ++i) word.fetch_or(1ull << (i & 31));  // `lock or`: nobody reads the result
  };
  table.add("uncontended lock or", nanoseconds_each(row_s, set_bits), "ns", 2);
  const auto read_clock = [] {
    for (int i = 0; i < kAtomicsInOneCall; ++i) use(now_s());
  };
  table.add("reading the clock", nanoseconds_each(row_s, read_clock), "ns", 2);
}

double seconds_of_true() {
  char program[] = "/bin/true";
  char *const arguments[] = {program, nullptr};
  const double start = now_s();
  const pid_t child = fork();
  require(child >= 0, "fork failed");
  if (child == 0) {
    execv(program, arguments);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "/bin/true failed");
  return now_s() - start;
}

void measure_processes(Table &table, int starts) {
  std::vector<double> seconds;
  for (int i = 0; i < starts; ++i) seconds.push_back(seconds_of_true());
  table.add(
      {"fork, exec and wait of /bin/true", bench::quantile(seconds, 0.5), "s", bench::quantile(seconds, 0.99) * 1e6},
      6);
}

void run(Table &table, const Lengths &lengths) {
  measure_processes(table, lengths.program_starts);  // first: a fork copies the page tables of what we have touched
  const std::vector<int> cpus = own_cpus();
  measure_ping_pong(table, "futex ping-pong on one CPU", cpus[0], cpus[0], lengths.row_s);
  if (cpus.size() > 1) measure_ping_pong(table, "futex ping-pong on two CPUs", cpus[0], cpus[1], lengths.row_s);
  measure_instructions(table, lengths.row_s / 2);
  for (const std::size_t mib : {1, 64}) measure_memory(table, mib * kMib, lengths.row_s);
}

}  // namespace

int main(int argc, char **argv) {
  const std::string path = bench::argument_after(argc, argv, "--json");
  Lengths lengths;
  if (bench::has_flag(argc, argv, "--quick")) lengths = {0.4, 200};
  Table table;
  try {
    run(table, lengths);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "limits_bench: %s\n", error.what());
    return 1;
  }
  if (!path.empty() && !table.write_json(path)) {
    std::fprintf(stderr, "limits_bench: cannot write %s\n", path.c_str());
    return 1;
  }
  return 0;
}
