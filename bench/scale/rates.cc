// Rates while many tasks are queued, while many processes share a session, and while many threads share a process.
#include <fcntl.h>
#include <ray/api.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "scale/curves.h"

namespace {

int echo(int value) { return value; }

}  // namespace

RAY_REMOTE(echo);

namespace bench::scale {
namespace {

// A thousand tasks fit the caches, a million do not: what a task costs with a thousand, and the lines of an object that
// comes from memory. Of that, twice.
constexpr double kQueuedTimes = 2.0;
// The total of many processes on few cores: each switch empties caches, and each process has its first faults.
constexpr double kClientsTimes = 2.0;
// Threads of one process share its locks; on few cores the total stays what one thread has, not more.
constexpr double kThreadsTimes = 2.0;
constexpr int kBatch = 100;

void run_batch(int count) {
  std::vector<ray::ObjectRef<int>> results;
  results.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) results.push_back(ray::Task(echo).Remote(i));
  use(ray::Get(results));
}

// One kind of work. Each call of `run` does kBatch of it; `object` belongs to the thread that runs it.
struct Work {
  const char *name;
  void (*run)(const ray::ObjectRef<int> &object);
};
constexpr Work kWorks[] = {
    {"put",
     [](const ray::ObjectRef<int> &) {
       for (int i = 0; i < kBatch; ++i) use(ray::Put(i));
     }},
    {"get",
     [](const ray::ObjectRef<int> &object) {
       for (int i = 0; i < kBatch; ++i) use(*object.Get());
     }},
    {"task", [](const ray::ObjectRef<int> &) { run_batch(kBatch); }},
};

// How much of it one thread does until that time.
double work_until(const Work &work, double end_s) {
  const ray::ObjectRef<int> object = ray::Put(1);
  double done = 0;
  for (; now_s() < end_s; done += kBatch) work.run(object);
  return done;
}

// --- threads ---------------------------------------------------------------------------------------------------------

double rate_of_threads(const Work &work, int count, double seconds) {
  std::vector<double> done(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  const double start_s = now_s();
  for (double &mine : done) threads.emplace_back([&] { mine = work_until(work, start_s + seconds); });
  for (std::thread &thread : threads) thread.join();
  double total = 0;
  for (const double one : done) total += one;
  return total / (now_s() - start_s);
}

// The median of several spans: threads that find each other's locks badly in one of them do not in all.
double median_rate_of_threads(const Work &work, int count, double seconds) {
  constexpr int kSpans = 5;
  std::vector<double> rates;
  for (int span = 0; span < kSpans; ++span) rates.push_back(rate_of_threads(work, count, seconds / 2));
  return quantile(rates, 0.5);
}

// --- processes -------------------------------------------------------------------------------------------------------

void read_all(int descriptor, void *data, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes;) {
    const ssize_t got = ::read(descriptor, static_cast<char *>(data) + at, bytes - at);
    if (got <= 0) throw std::runtime_error("a client process has ended early");
    at += static_cast<std::size_t>(got);
  }
}

void write_all(int descriptor, const void *data, std::size_t bytes) {
  if (::write(descriptor, data, bytes) != static_cast<ssize_t>(bytes)) throw std::runtime_error("pipe write");
}

// A process of its own that runs `body` with a pipe to its parent and one from it.
class Child {
 public:
  explicit Child(const std::function<void(int in, int out)> &body) {
    int down[2];
    int up[2];
    if (::pipe2(down, O_CLOEXEC) != 0 || ::pipe2(up, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    std::fflush(stdout);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      ::close(down[1]);
      ::close(up[0]);
      run(body, down[0], up[1]);
    }
    ::close(down[0]);
    ::close(up[1]);
    in_ = up[0];
    out_ = down[1];
  }
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;
  ~Child() {
    ::close(out_);
    ::close(in_);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  double receive() const {
    double value = 0;
    read_all(in_, &value, sizeof value);
    return value;
  }
  void send(double value) const { write_all(out_, &value, sizeof value); }

 private:
  [[noreturn]] static void run(const std::function<void(int in, int out)> &body, int in, int out) {
    int code = 0;
    try {
      body(in, out);
    } catch (const std::exception &error) {
      std::fprintf(stderr, "scale_bench: client process: %s\n", error.what());
      code = 1;
    }
    std::fflush(stdout);
    ::_exit(code);
  }

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
};

// Has the session that the others join, until its parent closes the pipe.
void host(int in, int out) {
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", "2GiB"};
  ray::Init(config);
  const double ready = 1;
  write_all(out, &ready, sizeof ready);
  char end = 0;
  static_cast<void>(!::read(in, &end, 1));
  ray::Shutdown();
}

// For each kind of work: says that it is ready, hears when to end, says how much it has done.
void client(const std::string &session, int in, int out) {
  ray::RayConfig config;
  config.address = session;
  ray::Init(config);
  for (const Work &work : kWorks) {
    work.run(ray::Put(1));  // its workers are there, its pools are filled
    const double ready = 1;
    write_all(out, &ready, sizeof ready);
    double end_s = 0;
    read_all(in, &end_s, sizeof end_s);
    const double done = work_until(work, end_s);
    write_all(out, &done, sizeof done);
  }
  ray::Shutdown();
}

// The total rate of each kind of work.
std::vector<double> rates_of_clients(const std::string &session, int count, double seconds) {
  std::vector<std::unique_ptr<Child>> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Child>([&](int in, int out) { client(session, in, out); }));
  }
  std::vector<double> rates;
  for ([[maybe_unused]] const Work &work : kWorks) {
    for (const auto &one : clients) one->receive();
    const double start_s = now_s();
    for (const auto &one : clients) one->send(start_s + seconds);
    double total = 0;
    for (const auto &one : clients) total += one->receive();
    rates.push_back(total / (now_s() - start_s));
  }
  return rates;
}

void draw(Curves &curves, const char *against, const std::vector<double> &sizes,
          const std::vector<std::vector<double>> &rates, double promised) {
  for (std::size_t work = 0; work < std::size(kWorks); ++work) {
    curves.begin(std::string(kWorks[work].name) + ", " + against, "/s");
    for (std::size_t i = 0; i < sizes.size(); ++i) curves.add(sizes[i], rates[i][work]);
    curves.promise_rate(promised);
  }
}

}  // namespace

// From the first submit to the last result, with all of them in the queue: a task that has ended leaves it.
void measure_queued_tasks(Curves &curves, const Settings &settings) {
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", "4GiB"};
  ray::Init(config);
  run_batch(1000);
  curves.begin("task async, queued tasks", "/s");
  for (const double count : steps(1e3, settings.largest_count, 10)) {
    run_batch(static_cast<int>(count));  // the memory of so many has been touched then
    double done = 0;
    const double start_s = now_s();
    for (; now_s() - start_s < settings.seconds; done += count) run_batch(static_cast<int>(count));
    curves.add(count, done / (now_s() - start_s));
  }
  const double lines_s =
      kLinesOfOne * line_ns(static_cast<std::size_t>(settings.largest_count), settings.seconds) / 1e9;
  curves.promise_at_least(1 / (kQueuedTimes * (1 / curves.first() + lines_s)));
  ray::Shutdown();
}

// REQUIRES: this process has not joined a session yet, for its children are to.
void measure_clients(Curves &curves, const Settings &settings) {
  const Child session(host);
  session.receive();
  const std::vector<double> sizes = steps(1, settings.largest_clients, 2);
  std::vector<std::vector<double>> rates;
  for (const double count : sizes) {
    std::printf("  %.0f client processes\n", count);
    std::fflush(stdout);
    rates.push_back(
        rates_of_clients("embedded-" + std::to_string(session.pid()), static_cast<int>(count), settings.seconds));
  }
  draw(curves, "client processes, total", sizes, rates, kClientsTimes);
}

void measure_threads(Curves &curves, const Settings &settings) {
  ray::Init();
  run_batch(1000);
  const std::vector<double> sizes = steps(1, 8, 2);
  std::vector<std::vector<double>> rates;
  for (const double count : sizes) {
    std::vector<double> of_works;
    for (const Work &work : kWorks) {
      of_works.push_back(median_rate_of_threads(work, static_cast<int>(count), settings.seconds));
    }
    rates.push_back(of_works);
  }
  draw(curves, "threads, total", sizes, rates, kThreadsTimes);
  ray::Shutdown();
}

}  // namespace bench::scale
