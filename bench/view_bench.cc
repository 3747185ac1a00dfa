// What views, drafts and structs of vectors save, as ratios measured side by side, and whether promises are kept.
//   view_bench [--json FILE]        exit status 1 when a promise is broken
// Needs 1.2 GiB of free memory. Ratios, not rates: both sides of each take turns, so that a busy machine slows both.
#include <mobula/draft.h>
#include <mobula/view.h>
#include <ray/api.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kGiB = 1ull << 30;
constexpr std::size_t kMiB = 1ull << 20;
constexpr int kViewers = 8;

// What one process saw of its first view.
struct Sight {
  int pid = 0;
  double first_ms = 0;     // view() and one element
  double sum = 0;          // of one element of each page
  double private_mib = 0;  // what its own memory grew by meanwhile
};

struct Series {
  std::string name;
  std::vector<double> values;
  MSGPACK_DEFINE(name, values)
};

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// A figure of the kernel, in MiB: "Shmem:" of /proc/meminfo, "RssAnon:" of /proc/self/status.
double kernel_mib(const char *path, const std::string &name) {
  std::ifstream file(path);
  for (std::string key; file >> key;) {
    double kib = 0;
    if (key == name && file >> kib) return kib / 1024;
  }
  return 0;
}

// The value counts as read, and its memory with it.
template <typename T>
void use(const T &value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// The same work on both sides wherever data must come from somewhere.
void fill(double *items, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) items[i] = static_cast<double>(i) * 0.5;
}

Sight look(ray::ObjectRef<std::vector<double>> object) {
  static mobula::View<std::vector<double>> kept;  // so that all of them look at the same time
  constexpr std::size_t kPerPage = 4096 / sizeof(double);
  Sight sight;
  sight.pid = ::getpid();
  const double before_mib = kernel_mib("/proc/self/status", "RssAnon:");
  const double start = now_s();
  kept = mobula::view(object);
  use(kept[kept.size() / 2]);
  sight.first_ms = (now_s() - start) * 1e3;
  for (std::size_t i = 0; i < kept.size(); i += kPerPage) sight.sum += kept[i];
  sight.private_mib = kernel_mib("/proc/self/status", "RssAnon:") - before_mib;
  ::usleep(500'000);  // the other viewers need workers of their own
  return sight;
}
RAY_REMOTE(look);

class Table {
 public:
  void add(const std::string &name, double value, const char *unit) {
    rows_ += (rows_.empty() ? "[\n" : ",\n") + ("  {\"name\": \"" + name + "\", \"value\": ") + std::to_string(value) +
             ", \"unit\": \"" + unit + "\"}";
    std::printf("%-58s %12.3f %s\n", name.c_str(), value, unit);
    std::fflush(stdout);
  }
  void promise(bool kept, const char *text) {
    std::printf("  %s: %s\n", kept ? "kept" : "BROKEN", text);
    all_kept_ = all_kept_ && kept;
  }
  bool all_kept() const { return all_kept_; }
  bool write_json(const std::string &path) const {
    std::ofstream file(path);
    file << rows_ << "\n]\n";
    return file.good();
  }

 private:
  std::string rows_;
  bool all_kept_ = true;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Seconds of one call.
template <typename Operation>
double time_of(int times, Operation operation) {
  const double start = now_s();
  for (int i = 0; i < times; ++i) operation();
  return (now_s() - start) / times;
}

// Median of slow / fast over rounds in which both take their turn.
template <typename Slow, typename Fast>
double ratio(int rounds, int slow_times, Slow slow, int fast_times, Fast fast) {
  slow();
  fast();
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    const double slow_s = time_of(slow_times, slow);
    ratios.push_back(slow_s / time_of(fast_times, fast));
  }
  return median(ratios);
}

void measure_shared_view(Table &table) {
  const double before_mib = kernel_mib("/proc/meminfo", "Shmem:");
  auto draft = mobula::create<double>(kGiB / sizeof(double));
  fill(draft.data(), draft.size());
  const auto object = std::move(draft).seal();
  std::vector<ray::ObjectRef<Sight>> sights;
  for (int i = 0; i < kViewers; ++i) sights.push_back(ray::Task(look).Remote(object));
  std::set<int> pids;
  double slowest_ms = 0;
  double private_mib = 0;
  double sum = 0;
  for (const auto &each : sights) {
    const auto sight = each.Get();
    pids.insert(sight->pid);
    slowest_ms = std::max(slowest_ms, sight->first_ms);
    private_mib = std::max(private_mib, sight->private_mib);
    sum += sight->sum;
  }
  const double growth_gib = (kernel_mib("/proc/meminfo", "Shmem:") - before_mib) / 1024;
  table.add("processes that view an object of 1 GiB", static_cast<double>(pids.size()), "");
  table.add("Shmem: growth, object and viewers", growth_gib, "GiB");
  table.add("slowest first view", slowest_ms, "ms");
  table.add("private memory that a viewer grew by, at most", private_mib, "MiB");
  const double pages = static_cast<double>(kGiB / 4096);
  const double expected = 256.0 * pages * (pages - 1) / 2 * kViewers;  // element 512 * i is 256 * i
  table.promise(sum == expected, "each viewer reads what was written");
  table.promise(pids.size() == kViewers, "eight processes");
  table.promise(growth_gib <= 1.05, "at most 1.05 GiB of shared memory");
  table.promise(slowest_ms < 1.0, "the first view takes less than 1 ms");
  table.promise(private_mib < 1.0, "nothing is copied");
}

void measure_view_rate(Table &table) {
  const auto object = ray::Put(std::vector<double>(kMiB / sizeof(double), 1.0));
  const double times = ratio(
      15, 20, [&] { use(*object.Get()); }, 20'000, [&] { use(mobula::view(object)); });
  table.add("view of 1 MiB, times the rate of a copying Get", times, "x");
  table.promise(times >= 100, "at least 100 times");
}

void measure_write_in_place(Table &table) {
  constexpr std::size_t kCount = 64 * kMiB / sizeof(double);
  std::vector<double> values(kCount);  // kept from round to round: the copying side pays no page faults for it
  const auto in_place = [&] {
    auto draft = mobula::create<double>(kCount);
    fill(draft.data(), kCount);
    use(std::move(draft).seal());
  };
  const auto fill_and_put = [&] {
    fill(values.data(), kCount);
    use(ray::Put(values));
  };
  const auto fresh_and_put = [&] {
    std::vector<double> fresh(kCount);
    fill(fresh.data(), kCount);
    use(ray::Put(fresh));
  };
  const double reused = ratio(15, 2, fill_and_put, 2, in_place);
  table.add("64 MiB written in place, against filling a kept vector, Put", reused, "x");
  table.add("64 MiB written in place, against filling a new vector, Put", ratio(9, 2, fresh_and_put, 2, in_place), "x");
  table.promise(reused >= 1.7, "at least 1.7 times a copying Put of the same data");
}

void measure_struct(Table &table) {
  Series series{"doubles", std::vector<double>(kMiB / sizeof(double))};
  fill(series.values.data(), series.values.size());
  std::vector<char> target(2 * kMiB);
  const auto copy = [&] {
    std::memcpy(target.data(), series.values.data(), kMiB);
    use(target);
  };
  const auto pack_and_unpack = [&] {
    ray::internal::PackBuffer measured(ray::internal::PackBuffer::kKeptBytesMax);
    const ray::internal::Encoded encoded = ray::internal::encode(series, measured);
    ray::internal::pack_into(series, target.data(), encoded.size);
    use(ray::internal::decode<Series>(
        {reinterpret_cast<const std::byte *>(target.data()), encoded.size, encoded.format}));
  };
  const double times = ratio(31, 20, pack_and_unpack, 40, copy);
  table.add("struct with 1 MiB of doubles, pack and unpack, of a memcpy", times, "x");
  const double stored = ratio(
      31, 20, [&] { use(*ray::Put(series).Get()); }, 40, copy);
  table.add("the same by Put and Get", stored, "x");
  table.promise(times <= 3, "at most 3 times a memcpy of the same bytes");
}

void run(Table &table) {
  ray::RayConfig config;
  config.head_args = {"--num-cpus", std::to_string(kViewers), "--object-store-memory",
                      std::to_string(kGiB + 16 * kMiB)};
  ray::Init(config);
  measure_shared_view(table);
  ray::Shutdown();
  config.head_args.back() = std::to_string(512 * kMiB);
  ray::Init(config);
  measure_view_rate(table);
  measure_write_in_place(table);
  measure_struct(table);
  ray::Shutdown();
}

}  // namespace

int main(int argc, char **argv) {
  const std::string path = argc == 3 && std::string(argv[1]) == "--json" ? argv[2] : "";
  if (argc != 1 && path.empty()) {
    std::fprintf(stderr, "usage: view_bench [--json FILE]\n");
    return 2;
  }
  Table table;
  try {
    run(table);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "view_bench: %s\n", error.what());
    return 1;
  }
  if (!path.empty() && !table.write_json(path)) {
    std::fprintf(stderr, "view_bench: cannot write %s\n", path.c_str());
    return 1;
  }
  return table.all_kept() ? 0 : 1;
}
