// stress/mix_retention.h: the part of the storm's mix whose objects may be evicted at any time: each is found whole, or
// not at all.
//   Threads    the driver's only one
//   Ownership  weak references; what it publishes and retains is the session's
#pragma once

#include <mobula/names.h>
#include <mobula/retention.h>
#include <mobula/weak.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "calls.h"
#include "holdings.h"
#include "mix_tasks.h"

namespace mix {

class MixRetention {
 public:
  MixRetention(Calls &calls, std::mt19937_64 &random) : calls_(calls), random_(random) {}

  // `held`: an object of the caller's, or null.
  void step(const Held *held) {
    using Operation = void (MixRetention::*)();
    static constexpr Operation kOperations[] = {&MixRetention::lock,    &MixRetention::lock,    &MixRetention::look_up,
                                                &MixRetention::look_up, &MixRetention::publish, &MixRetention::retain,
                                                &MixRetention::evict,   &MixRetention::go_round};
    const std::uint64_t number = below(sizeof kOperations / sizeof kOperations[0] + 1);
    if (number != 0) return (this->*kOperations[number - 1])();
    if (held != nullptr) hold_weakly(*held);
  }

  void drop_all() { weak_.clear(); }

 private:
  static constexpr std::size_t kWeakMax = 32;
  static constexpr std::uint64_t kNames = 24;  // of all drivers together
  static constexpr std::uint64_t kWordsMax = 20'000;
  static constexpr std::uint64_t kEvictedBytesMax = 1u << 20;
  static constexpr std::uint64_t kUnpublishOneIn = 4;
  static constexpr std::uint64_t kCycleOneIn = 8;
  static constexpr std::uint64_t kTakingNs = 1'000'000;

  struct WeaklyHeld {
    std::uint64_t seed = 0;
    std::uint64_t words = 0;
    mobula::WeakRef<Payload> weak;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::string any_name() { return "name " + std::to_string(below(kNames)); }
  Payload any_payload() { return make_payload(random_(), kPayloadWordsMin + below(kWordsMax)); }

  void hold_weakly(const Held &held) {
    if (weak_.size() == kWeakMax) weak_.erase(weak_.begin() + static_cast<std::ptrdiff_t>(below(kWeakMax)));
    weak_.push_back({held.seed, held.words, mobula::WeakRef<Payload>(held.handles[0])});
  }

  void lock() {
    if (weak_.empty()) return;
    const WeaklyHeld &one = weak_[below(weak_.size())];
    const auto found = calls_.published(false, [&] { return one.weak.lock(); });
    const auto payload = found ? calls_.get(*found) : nullptr;
    if (payload != nullptr) require(is_payload_of(*payload, one.seed, one.words), "weakly held object");
  }

  void publish() {
    const Payload payload = any_payload();
    const auto object = calls_.published(false, [&] { return ray::Put(payload); });
    calls_.published(false, [&] { mobula::publish(any_name(), object, mobula::Replace::kYes); });
  }

  void look_up() {
    const std::string name = any_name();
    const auto found = calls_.published(false, [&] { return mobula::lookup<Payload>(name); });
    const auto payload = found ? calls_.get(*found) : nullptr;
    if (payload != nullptr) require(is_whole(*payload), "named object");
    if (below(kUnpublishOneIn) == 0) calls_.published(false, [&] { return mobula::unpublish(name); });
  }

  void retain() {
    const Payload payload = any_payload();
    const auto object = calls_.published(false, [&] { return mobula::put_retained(payload); });
    if (below(2) == 0) mobula::unretain(object);
  }

  void evict() {
    calls_.published(false, [&] { return mobula::evict(below(kEvictedBytesMax)); });
  }

  // Two nodes that contain each other, let go, and sought while the mark pass may be at them.
  void go_round() {
    if (below(kCycleOneIn) != 0) return;
    const std::uint64_t seed = random_();
    const std::uint64_t words = kPayloadWordsMin + below(200);
    mobula::WeakRef<Node> weak;
    mobula::WeakRef<Node> other;
    {
      const std::string name = "cycle " + std::to_string(seed);
      const auto inner = calls_.submit(MIX_TASKS::around, name, seed, words);
      const Node node{make_payload(seed, words), {inner}};
      const auto outer = calls_.published(false, [&] { return ray::Put(node); });
      calls_.published(false, [&] { mobula::publish(name, outer); });
      weak = mobula::WeakRef<Node>(outer);
      other = mobula::WeakRef<Node>(inner);
      const bool is_made = calls_.get(inner) != nullptr;
      calls_.published(false, [&] { return mobula::unpublish(name); });
      if (!is_made) return;
    }
    if (below(2) == 0)
      calls_.published(false, [&] { return mobula::collect_cycles(); });
    else
      take_while_collecting(weak, other);
    auto found = calls_.published(false, [&] { return weak.lock(); });
    for (int i = 0; found && i < 4; ++i) {
      const auto node = calls_.get(*found);
      if (node == nullptr) return;
      require(is_payload_of(node->payload, seed, words), "cycle");
      if (node->children.empty()) return;
      found = node->children[0];
    }
  }

  // Again and again while another process has the pass run: the moment at which all of the group is flagged is short.
  void take_while_collecting(const mobula::WeakRef<Node> &weak, const mobula::WeakRef<Node> &other) {
    const auto collected = calls_.submit(MIX_TASKS::collect);
    const std::uint64_t end_ns = now_ns() + kTakingNs;
    while (now_ns() < end_ns) {
      if (!calls_.published(false, [&] { return weak.lock(); })) break;
      if (!calls_.published(false, [&] { return other.lock(); })) break;
    }
    calls_.get(collected);
  }

  Calls &calls_;
  std::mt19937_64 &random_;
  std::vector<WeaklyHeld> weak_;
};

}  // namespace mix
