// Publishes, looks up, holds weakly and locks objects of a store that is too small for them, until it is killed:
// scripts/stress --look-ups.
//   name_churn PAGE SEED DEADLINE_MS NUMBER FLOORS
// FLOORS is a file that all of them map. Driver NUMBER alone publishes its names, each time a higher version; whoever
// looks a name up finds the version that was published before the call began, or a later one, or nothing. Ends with
// "failure TEXT" and status 70 at the first look-up that is wrong.
#include <mobula/names.h>
#include <mobula/retention.h>
#include <mobula/weak.h>
#include <ray/api.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "calls.h"
#include "commands.h"
#include "floors.h"

namespace mix {
namespace {

constexpr std::uint64_t kNumberShift = 32;  // of a name, in the seed of its payload; below it the version
constexpr std::uint64_t kWordsMax = 12'000;
constexpr std::uint64_t kPublishOneIn = 12;
constexpr std::uint64_t kUnpublishOneIn = 400;
constexpr std::uint64_t kEvictOneIn = 2'000;
constexpr std::uint64_t kEvictedBytesMax = 1u << 20;

class NameChurn {
 public:
  NameChurn(CallPage &page, std::uint64_t seed, std::uint32_t deadline_ms, std::uint64_t number, Floors &floors)
      : calls_(page, deadline_ms), random_(seed), number_(number), floors_(floors), weak_(kNames) {}

  void step() {
    if (below(kPublishOneIn) == 0) return publish();
    if (below(kEvictOneIn) == 0) {
      calls_.published(false, [&] { return mobula::evict(below(kEvictedBytesMax)); });
      return;
    }
    below(2) == 0 ? look_up(below(kNames)) : lock(below(kNames));
  }

 private:
  struct Weak {
    std::uint64_t version = 0;
    mobula::WeakRef<Payload> reference;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  static std::string name_of(std::uint64_t name) { return "churn/" + std::to_string(name); }

  void publish() {
    const std::uint64_t name = below(kNames / kDriversMax) * kDriversMax + number_;
    // Its predecessor may have died with it published and not said so.
    const std::uint64_t version = floors_.begun[name].fetch_add(1) + 1;
    const Payload payload = make_payload(name << kNumberShift | version, kPayloadWordsMin + below(kWordsMax));
    const auto object = calls_.published(false, [&] { return ray::Put(payload); });
    calls_.published(false, [&] { mobula::publish(name_of(name), object, mobula::Replace::kYes); });
    floors_.published[name].store(version);
    if (below(kUnpublishOneIn) == 0) calls_.published(false, [&] { return mobula::unpublish(name_of(name)); });
  }

  // The version that the object says; checks all of it.
  std::uint64_t check(const ray::ObjectRef<Payload> &object, std::uint64_t name) {
    const auto payload = calls_.get(object);
    require(payload != nullptr && is_whole(*payload), "bytes of a look-up");
    require((*payload)[0] >> kNumberShift == name, "another name's object");
    return (*payload)[0] & ((1ull << kNumberShift) - 1);
  }

  void count(bool found) {
    floors_.look_ups.fetch_add(1);
    if (found) floors_.hits.fetch_add(1);
  }

  void look_up(std::uint64_t name) {
    const std::uint64_t floor = floors_.published[name].load();
    const auto found = calls_.published(false, [&] { return mobula::lookup<Payload>(name_of(name)); });
    count(found.has_value());
    if (!found) return;
    const std::uint64_t version = check(*found, name);
    require(version >= floor, "a stale object");
    require(version <= floors_.begun[name].load(), "a version that nobody made");
    weak_[name] = {version, mobula::WeakRef<Payload>(*found)};
  }

  void lock(std::uint64_t name) {
    const Weak &weak = weak_[name];
    const auto found = calls_.published(false, [&] { return weak.reference.lock(); });
    count(found.has_value());
    if (found) require(check(*found, name) == weak.version, "another object of a weak reference");
  }

  Calls calls_;
  std::mt19937_64 random_;
  const std::uint64_t number_;
  Floors &floors_;
  std::vector<Weak> weak_;  // by name
};

int run(int argc, char **argv) {
  CallPage *const page = argc < 6 ? nullptr : map_call_page(argv[1]);
  Floors *const floors = argc < 6 ? nullptr : map_floors(argv[5]);
  if (page == nullptr || floors == nullptr) {
    std::fprintf(stderr, "usage: name_churn PAGE SEED DEADLINE_MS NUMBER FLOORS\n");
    return 2;
  }
  NameChurn churn(*page, std::strtoull(argv[2], nullptr, 10),
                  static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)),
                  std::strtoull(argv[4], nullptr, 10) % kDriversMax, *floors);
  ray::Init(ray::RayConfig());
  Commands commands;
  while (!commands.waits()) churn.step();
  ray::Shutdown();
  return 0;
}

}  // namespace
}  // namespace mix

int main(int argc, char **argv) { return mix::status_of(mix::run, argc, argv); }
