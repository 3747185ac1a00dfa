// A cache that may use what is left of the store: its entries are weak references, whose objects the store frees when
// it needs the space. Whoever looks up gets the right text or none.
//   cache [--memory-mib 32] [--lookups 20000] [--documents 1000]      exit status 1 when a figure breaks its promise
#include <mobula/retention.h>
#include <mobula/view.h>
#include <mobula/weak.h>
#include <ray/api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "views/measure.h"

namespace {

// 20 to 120 KiB that tell by every byte which document they are.
std::string render(std::size_t number) {
  std::string text((20 << 10) + number * 7919 % (100 << 10), static_cast<char>('a' + number % 26));
  const std::string head = "document " + std::to_string(number) + "\n";
  std::copy(head.begin(), head.end(), text.begin());
  return text;
}

bool is_right(std::string_view text, std::size_t number) {
  const std::string head = "document " + std::to_string(number) + "\n";
  return text.size() == (20u << 10) + number * 7919 % (100 << 10) && text.substr(0, head.size()) == head &&
         text.find_first_not_of(static_cast<char>('a' + number % 26), head.size()) == std::string_view::npos;
}

struct Figures {
  std::size_t hits = 0;
  std::size_t misses = 0;
  std::size_t stale = 0;
  std::size_t evicted = 0;
  std::size_t stored_bytes = 0;
  std::size_t most_stored_bytes = 0;
};

class Cache {
 public:
  Cache() {
    mobula::on_evicted([this](const mobula::Eviction &eviction) {
      const auto found = bytes_of_.find(eviction.id);
      if (found == bytes_of_.end()) return;
      figures_.stored_bytes -= found->second;
      ++figures_.evicted;
      bytes_of_.erase(found);
    });
  }
  ~Cache() { mobula::on_evicted(nullptr); }
  Cache(const Cache &) = delete;
  Cache &operator=(const Cache &) = delete;

  // A view of the document, out of the cache or rendered anew.
  mobula::View<std::string> look_up(std::size_t number) {
    mobula::WeakRef<std::string> &known = documents_[number];
    if (const auto object = known.lock()) {
      ++figures_.hits;
      return mobula::view(*object);
    }
    ++figures_.misses;
    const auto object = ray::Put(render(number));  // waits for room, which the store makes by evicting
    known = mobula::WeakRef<std::string>(object);
    mobula::View<std::string> text = mobula::view(object);
    note_stored(object.ID(), text.size());
    return text;
  }
  void note_stale() { ++figures_.stale; }
  const Figures &figures() const { return figures_; }

 private:
  void note_stored(const std::string &id, std::size_t bytes) {
    bytes_of_[id] = bytes;
    figures_.stored_bytes += bytes;
    mobula::deliver_evictions();
    figures_.most_stored_bytes = std::max(figures_.most_stored_bytes, figures_.stored_bytes);
  }

  std::unordered_map<std::size_t, mobula::WeakRef<std::string>> documents_;
  std::unordered_map<std::string, std::size_t> bytes_of_;
  Figures figures_;
};

// Few documents are asked for often, many seldom: the n-th as often as 1/n.
class Readers {
 public:
  explicit Readers(std::size_t documents) : documents_(static_cast<double>(documents)) {}
  std::size_t next() {
    const double unit = std::uniform_real_distribution<double>()(random_);
    return static_cast<std::size_t>(std::pow(documents_, unit)) - 1;
  }

 private:
  double documents_;
  std::mt19937_64 random_{5};
};

bool report(const Figures &figures, std::size_t memory_mib, double seconds) {
  const double lookups = static_cast<double>(figures.hits + figures.misses);
  std::printf("hit rate         %8.1f %%\n", 100.0 * static_cast<double>(figures.hits) / lookups);
  std::printf("evictions        %8zu\n", figures.evicted);
  std::printf("stale            %8zu\n", figures.stale);
  std::printf("most in store    %8.1f MiB of %zu\n", static_cast<double>(figures.most_stored_bytes) / measure::kMiB,
              memory_mib);
  std::printf("look-ups         %8.0f /s\n", lookups / seconds);
  return figures.stale == 0 && static_cast<double>(figures.most_stored_bytes) <= memory_mib * measure::kMiB;
}

}  // namespace

int main(int argc, char **argv) {
  const std::size_t memory_mib = measure::option(argc, argv, "--memory-mib", 32);
  const std::size_t lookups = std::max<std::size_t>(measure::option(argc, argv, "--lookups", 20'000), 1);
  const std::size_t documents = std::max<std::size_t>(measure::option(argc, argv, "--documents", 1'000), 1);
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", std::to_string(memory_mib << 20)};
  ray::Init(config, argc, argv);
  bool kept = false;
  {
    Cache cache;
    Readers readers(documents);
    const double start_s = measure::now_s();
    for (std::size_t i = 0; i < lookups; ++i) {
      const std::size_t number = readers.next();
      if (!is_right(cache.look_up(number).text(), number)) cache.note_stale();
    }
    kept = report(cache.figures(), memory_mib, measure::now_s() - start_s);
  }
  ray::Shutdown();
  return kept ? 0 : 1;
}
