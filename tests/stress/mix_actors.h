// stress/mix_actors.h: the part of the storm's mix that makes actors, calls them, hands them around and ends them.
//   Threads    the driver's only one
//   Ownership  handles; drop_all ends the actors, also those that hold each other
#pragma once

#include <mobula/retention.h>

#include <random>
#include <utility>
#include <vector>

#include "calls.h"
#include "holdings.h"
#include "mix_tasks.h"

namespace mix {

class MixActors {
 public:
  MixActors(Calls &calls, std::mt19937_64 &random) : calls_(calls), random_(random) {}

  // `held`: an object of the caller's, or null.
  void step(const Held *held) {
    if (actors_.empty()) return make();
    using Operation = void (MixActors::*)();
    static constexpr Operation kOperations[] = {&MixActors::make,  &MixActors::count, &MixActors::count,
                                                &MixActors::pass,  &MixActors::kill,  &MixActors::befriend,
                                                &MixActors::leave, &MixActors::drop};
    const std::uint64_t number = below(sizeof kOperations / sizeof kOperations[0] + 1);
    if (number != 0) return (this->*kOperations[number - 1])();
    if (held != nullptr) keep(*held);
  }

  void drop_all() {
    calls_.published(false, [&] { actors_.clear(); });
    if (!std::exchange(may_be_cyclic_, false)) return;
    calls_.published(true, [] { return mobula::collect_cycles(); });
  }

 private:
  using Cell = MIX_TASKS::Cell;
  using Handle = ray::ActorHandle<Cell>;

  static constexpr std::size_t kActorsMax = 3;
  static constexpr std::uint64_t kCallsMax = 40;

  struct Owned {
    Handle handle;
    bool restarts = false;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  Owned &any() { return actors_[below(actors_.size())]; }

  void make() {
    if (actors_.size() == kActorsMax) return drop();
    const std::uint64_t start = below(1'000);
    const auto restarts = static_cast<int>(below(3));
    const auto concurrency = below(8) == 0 ? 3 : 1;
    actors_.push_back({calls_.published(false,
                                        [&] {
                                          return ray::Actor(MIX_TASKS::make_cell)
                                              .SetMaxRestarts(restarts)
                                              .SetMaxConcurrency(concurrency)
                                              .Remote(start);
                                        }),
                       restarts != 0 || concurrency != 1});
  }

  // Results come in order, and once the actor is dead for good nothing comes any more.
  void count() {
    Owned &one = any();
    std::vector<ray::ObjectRef<std::uint64_t>> results;
    for (std::uint64_t i = 1 + below(kCallsMax); i > 0; --i) {
      results.push_back(calls_.published(false, [&] { return one.handle.Task(&Cell::count).Remote(); }));
    }
    std::uint64_t last = 0;
    bool failed = false;
    for (const auto &result : results) {
      const auto value = calls_.get(result);
      if (value == nullptr) {
        failed = true;
        continue;
      }
      require(one.restarts || (!failed && *value > last), "order of an actor's calls");
      last = *value;
    }
  }

  // A task calls it; the handle may be dropped meanwhile.
  void pass() {
    const std::uint64_t number = below(actors_.size());
    const auto result = calls_.submit(MIX_TASKS::count_in_task, actors_[number].handle);
    if (below(2) == 0) erase(number);
    calls_.get(result);
  }

  // The actor keeps a reference of its own, and looks at what it kept.
  void keep(const Held &held) {
    Owned &one = any();
    calls_.published(false, [&] {
      return one.handle.Task(&Cell::keep).Remote(std::vector<ray::ObjectRef<Payload>>{held.handles[0]});
    });
    const auto seed = calls_.published(false, [&] { return one.handle.Task(&Cell::kept).Remote(); });
    if (const auto found = calls_.get(seed)) {
      require(*found == 0 || one.restarts || *found == short_seed(held.seed), "an actor's reference");
    }
  }

  void kill() {
    const bool no_restart = below(2) == 0;
    calls_.published(false, [&] { any().handle.Kill(no_restart); });
  }

  // It ends itself: the call that asks for it has no result.
  void leave() {
    const std::uint64_t number = below(actors_.size());
    const auto last = calls_.published(false, [&] { return actors_[number].handle.Task(&Cell::leave).Remote(); });
    require(calls_.get(last) == nullptr, "the result of an actor that has left");
    erase(number);
  }

  // Two that hold each other. Both calls are over when this returns: the mark pass finds idle actors only.
  void befriend() {
    const Handle one = any().handle;
    const Handle other = any().handle;
    may_be_cyclic_ = true;
    const auto first = calls_.published(false, [&] { return one.Task(&Cell::befriend).Remote(other); });
    const auto second = calls_.published(false, [&] { return other.Task(&Cell::befriend).Remote(one); });
    calls_.wait_for(std::vector<ray::ObjectRef<std::uint64_t>>{first, second}, 2);
  }

  void drop() { erase(below(actors_.size())); }

  void erase(std::uint64_t number) {
    calls_.published(false, [&] { actors_.erase(actors_.begin() + static_cast<std::ptrdiff_t>(number)); });
  }

  Calls &calls_;
  std::mt19937_64 &random_;
  std::vector<Owned> actors_;
  bool may_be_cyclic_ = false;
};

}  // namespace mix
