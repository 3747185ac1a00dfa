// A driver that lives to be killed: a seeded mix of everything that a program does with objects and tasks, which checks
// each byte and knows what it holds. The portable part compiles against Ray, too (bench/peers/kill_mix_on_ray).
//   kill_mix PAGE SEED DEADLINE_MS [--ray_NAME=VALUE]...
// Reads commands from stdin at quiet moments: pause (answers "holding OBJECTS HANDLES PINS"), then drop (answers
// "dropped"), go, quit. Ends with "failure TEXT" and status 70 at the first thing that no kill explains.
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "calls.h"
#include "commands.h"
#include "holdings.h"
#ifdef MIX_ON_MOBULA
#include "mix_actors.h"
#include "mix_retention.h"
#include "mix_views.h"
#endif

namespace mix {
namespace {

namespace tasks = MIX_TASKS;
using Reference = ray::ObjectRef<Payload>;
using Number = ray::ObjectRef<std::uint64_t>;

constexpr std::size_t kHeldMax = 48;
constexpr std::uint64_t kInlineWordsMax = 14;
constexpr std::uint64_t kSmallWordsMax = 512;
constexpr std::uint64_t kMediumWordsMax = 8'192;
constexpr std::uint64_t kLargeWordsMax = 262'144;            // 2 MiB
constexpr std::uint64_t kHeldWordsMax = 3 * kLargeWordsMax;  // 6 MiB
constexpr std::size_t kHandlesMax = 5;                       // of one object
constexpr std::uint64_t kBurstTasks = 2'500;                 // more than a ring has room for
constexpr std::uint64_t kBurstOneIn = 24;
constexpr std::uint64_t kTakenMax = 64;  // by id, after they were dropped

class Mix {
 public:
  Mix(CallPage &page, std::uint64_t seed, std::uint32_t deadline_ms) : calls_(page, deadline_ms), random_(seed) {}

  void step() {
    using Operation = void (Mix::*)();
    static constexpr Operation kOperations[] = {
        &Mix::put,          &Mix::put,        &Mix::put,     &Mix::look,     &Mix::look,     &Mix::look,
        &Mix::hold_again,   &Mix::drop_one,   &Mix::pass,    &Mix::pass,     &Mix::call,     &Mix::call,
        &Mix::relay,        &Mix::grow_tree,  &Mix::chain,   &Mix::wait,     &Mix::refusal,  &Mix::burst,
#ifdef MIX_ON_MOBULA
        &Mix::receive,      &Mix::pass,       &Mix::pass_on, &Mix::contain,  &Mix::contain,  &Mix::pass_container,
        &Mix::nest_results, &Mix::take_by_id, &Mix::pin,     &Mix::pin,      &Mix::unpin,    &Mix::outlive,
        &Mix::outlive,      &Mix::outlive,    &Mix::outlive, &Mix::in_place, &Mix::in_place, &Mix::cancel,
        &Mix::act,          &Mix::act,        &Mix::act,
#endif
    };
    constexpr std::size_t kCount = sizeof kOperations / sizeof kOperations[0];
    const std::uint64_t number = below(kCount);
    calls_.page().operation.store(static_cast<std::uint32_t>(number) + 2, std::memory_order_relaxed);
    (this->*kOperations[number])();
    while (held_.size() > kHeldMax || held_.words() > kHeldWordsMax) drop_one();
  }

  // Waits for what is under way, so that what it holds no longer changes; a failed result stays held.
  void settle() {
#ifdef MIX_ON_MOBULA
    views_.drop_all();
    actors_.drop_all();
#endif
    std::vector<Reference> results;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].is_payload()) results.push_back(held_[i].handles[0]);
    }
    calls_.wait_for(results, results.size());
#ifdef MIX_ON_MOBULA
    std::vector<ray::ObjectRef<Node>> nodes;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (!held_[i].is_payload()) nodes.push_back(held_[i].nodes[0]);
    }
    calls_.wait_for(nodes, nodes.size());
#endif
  }

  void drop_all() {
#ifdef MIX_ON_MOBULA
    retention_.drop_all();
    views_.drop_all();
    actors_.drop_all();
#endif
    while (held_.size() != 0) drop(held_.size() - 1);
  }

  std::string holdings() const { return held_.text(); }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::uint64_t any_words() {
    const std::uint64_t kind = below(100);
    const std::uint64_t most = kind < 50   ? kInlineWordsMax
                               : kind < 80 ? kSmallWordsMax
                               : kind < 94 ? kMediumWordsMax
                                           : kLargeWordsMax;
    return kPayloadWordsMin + below(most - kPayloadWordsMin + 1);
  }

  template <typename Which>
  void drop(const Which &which) {
    calls_.published(false, [&] { held_.drop(which); });
  }

  // Null when the one that was drawn holds no payload.
  Held *any_payload() {
    if (held_.size() == 0) return nullptr;
    Held &one = held_[below(held_.size())];
    return one.is_payload() ? &one : nullptr;
  }

  void check_payload(const Held &one, const Reference &handle) {
    const auto payload = calls_.get(handle);
    if (payload == nullptr) return drop(one);
    require(is_payload_of(*payload, one.seed, one.words), "get");
  }

  void put() {
    const std::uint64_t seed = random_();
    const std::uint64_t words = any_words();
    const Payload payload = make_payload(seed, words);
    held_.add(calls_.published(false, [&] { return ray::Put(payload); }), seed, words);
  }

  void look() {
    if (held_.size() == 0) return;
    Held &one = held_[below(held_.size())];
#ifdef MIX_ON_MOBULA
    if (!one.is_payload()) return look_at_nodes(one);
#endif
    check_payload(one, one.handles[below(one.handles.size())]);
  }

  void hold_again() {
    Held *const one = any_payload();
    if (one == nullptr) return;
    if (one->handles.size() == kHandlesMax) return one->handles.resize(1);
    one->handles.push_back(Reference(one->handles[0]));
  }

  void drop_one() {
    if (held_.size() != 0) drop(static_cast<std::size_t>(below(held_.size())));
  }

  // As an argument, dropped while it is under way as often as not.
  void pass() {
    Held *const one = any_payload();
    if (one == nullptr) return;
    const Number checked = calls_.submit(tasks::check, one->handles[0]);
    const std::uint64_t seed = short_seed(one->seed);
    if (below(2) == 0) drop(*one);
    if (const auto found = calls_.get(checked)) require(*found == seed, "argument");
  }

  // Results are looked at later, or never.
  void call() {
    const std::uint64_t seed = random_();
    const std::uint64_t words = any_words();
    held_.add(calls_.submit_with_retries(below(4), tasks::make, seed, words), seed, words);
  }

  void relay() {
    const std::uint64_t seed = random_();
    const std::uint64_t words = any_words();
    held_.add(calls_.submit(tasks::relay, seed, words), seed, words);
  }

  void grow_tree() {
    const std::uint64_t depth = below(4);
    const auto leaves = calls_.get(calls_.submit(tasks::tree, depth));
    if (leaves != nullptr) require(*leaves == std::uint64_t{1} << depth, "nested tasks");
  }

  void chain() {
    const std::uint64_t one = 1;
    const std::uint64_t length = 1 + below(8);
    Number last = calls_.submit(tasks::add, one, one);
    for (std::uint64_t i = 1; i < length; ++i) {
      const Number next = calls_.submit(tasks::add, last, one);
      last = next;
    }
    if (const auto sum = calls_.get(last)) require(*sum == length + 1, "chain");
  }

  void wait() {
    const std::uint64_t count = 2 + below(6);
    std::vector<Number> results;
    for (std::uint64_t i = 0; i < count; ++i) results.push_back(calls_.submit(tasks::spin, below(300)));
    calls_.wait_for(results, 1 + below(count));
  }

  void refusal() { calls_.expect_refusal(calls_.submit(tasks::refuse, below(100))); }

  void burst() {
    if (below(kBurstOneIn) != 0) return;
    std::vector<Number> results;
    for (std::uint64_t i = 0; i < kBurstTasks; ++i) results.push_back(calls_.submit(tasks::add, i, i));
    calls_.wait_for(results, results.size());
  }

#ifdef MIX_ON_MOBULA
  // A worker puts, the driver gets the reference and keeps the object; the result that brought it is dropped.
  void receive() {
    const std::uint64_t seed = random_();
    const std::uint64_t words = any_words();
    const auto inner = calls_.get(calls_.submit(tasks::put_and_return, seed, words));
    if (inner != nullptr) held_.add(*inner, seed, words);
  }

  // Out and back again: the handle that returns is another one of the same object.
  void pass_on() {
    Held *const one = any_payload();
    if (one == nullptr) return;
    const auto returned = calls_.submit(tasks::pass_on, one->handles[0]);
    const auto inner = calls_.get(returned);
    if (inner != nullptr) check_payload(*one, *inner);
  }

  void contain() {
    const std::uint64_t seed = random_();
    const std::uint64_t words = kPayloadWordsMin + below(kSmallWordsMax);
    Node root{make_payload(seed, words), {}};
    const std::uint64_t depth = 2 + below(kNestedDepthMax - 1);
    for (std::uint64_t level = 1; level < depth; ++level) {
      Node outer{make_payload(seed, words), {}};
      outer.children.push_back(calls_.published(false, [&] { return ray::Put(numbered(root, depth - level)); }));
      root = std::move(outer);
    }
    Held &one = held_.add(seed, words);
    one.depth = depth;
    one.nodes.push_back(calls_.published(false, [&] { return ray::Put(root); }));
  }

  // The node as the one that lies `level` below the root.
  static Node numbered(const Node &node, std::uint64_t level) {
    return Node{make_payload(node.payload[0] + level, node.payload.size()), node.children};
  }

  void nest_results() {
    const std::uint64_t seed = random_();
    const std::uint64_t words = kPayloadWordsMin + below(kSmallWordsMax);
    Held &one = held_.add(seed, words);
    one.depth = 1 + below(kNestedDepthMax);
    one.nodes.push_back(calls_.submit(tasks::deep, seed, words, one.depth));
  }

  // Down to the last one; a death below ends the way, not the hold.
  void look_at_nodes(const Held &one) {
    ray::ObjectRef<Node> next = one.nodes[0];
    for (std::uint64_t level = 0; level < one.depth; ++level) {
      const auto node = calls_.get(next);
      if (node == nullptr) return level == 0 ? drop(one) : void();
      require(is_payload_of(node->payload, one.seed + level, one.words), "nested references");
      require(node->children.size() == (level + 1 < one.depth ? 1u : 0u), "depth of nested references");
      if (!node->children.empty()) next = node->children[0];
    }
  }

  void pass_container() {
    std::vector<Reference> references;
    std::uint64_t sum = 0;
    const std::uint64_t count = 1 + below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t seed = random_();
      const Payload payload = make_payload(seed, kPayloadWordsMin + below(kSmallWordsMax));
      references.push_back(calls_.published(false, [&] { return ray::Put(payload); }));
      sum += short_seed(seed);
    }
    const Number checked = calls_.submit(tasks::check_all, references);
    references.clear();
    if (const auto found = calls_.get(checked)) require(*found == sum, "references in an argument");
  }

  // The last handles go, and at once somebody comes with the ids: each object is rescued whole, or gone.
  void take_by_id() {
    std::vector<std::pair<std::string, std::uint64_t>> told;
    for (std::uint64_t i = 1 + below(kTakenMax); i > 0; --i) {
      const std::uint64_t seed = random_();
      const Payload payload = make_payload(seed, kInlineWordsMax);
      told.emplace_back(calls_.published(false, [&] { return ray::Put(payload); }).ID(), seed);
    }
    for (const auto &[id, seed] : told) {
      const Reference again = calls_.published(false, [&, &text = id] { return Reference(text); });
      if (again.reference().empty()) continue;
      const auto payload = calls_.get(again);
      require(payload != nullptr && is_payload_of(*payload, seed, kInlineWordsMax), "rescued object");
    }
  }

  // What stays although nobody refers to it, until it is evicted.
  void outlive() { retention_.step(any_payload()); }

  void act() { actors_.step(any_payload()); }

  // Queued, running, finished ones: each has its result, or is cancelled.
  void cancel() {
    std::vector<Number> results;
    for (std::uint64_t i = 1 + below(12); i > 0; --i) results.push_back(calls_.submit(tasks::spin, below(2'000)));
    const Number after = calls_.submit(tasks::add, results.back(), std::uint64_t{1});
    for (const Number &result : results) {
      if (below(2) == 0) calls_.cancel(result, below(3) == 0);
    }
    for (const Number &result : results) calls_.expect_end(result);
    calls_.expect_end(after);
  }

  // Views, drafts, figures.
  void in_place() {
    const std::uint64_t kind = below(5);
    const Held *const one = kind < 3 ? any_payload() : nullptr;
    if (one != nullptr) return kind == 0 ? views_.look(*one) : kind == 1 ? views_.pass(*one) : views_.count(*one);
    const std::uint64_t seed = random_();
    kind == 3 ? views_.call(held_, seed, any_words()) : views_.write(held_, seed, any_words());
  }

  void pin() {
    Held *const one = any_payload();
    if (one == nullptr) return;
    mobula::pin(one->handles[0]);
    ++one->pins;
  }

  void unpin() {
    Held *const one = any_payload();
    if (one == nullptr || one->pins == 0) return;
    mobula::unpin(one->handles[0]);
    --one->pins;
  }
#endif

  static constexpr std::uint64_t kNestedDepthMax = 5;
  Calls calls_;
  std::mt19937_64 random_;
  Holdings held_;
#ifdef MIX_ON_MOBULA
  MixRetention retention_{calls_, random_};
  MixViews views_{calls_, random_};
  MixActors actors_{calls_, random_};
#endif
};

// True: go on.
bool obey(Mix &mix, Commands &commands) {
  for (;;) {
    const std::string word = commands.next();
    if (word == "go") return true;
    if (word == "quit") return false;
    if (word == "pause") {
      mix.settle();
      answer("holding " + mix.holdings());
    }
    if (word == "drop") {
      mix.drop_all();
      answer("dropped");
    }
  }
}

void init(CallPage &page, int argc, char **argv) {
  page.operation.store(1);
  const PublishedCall call(page, false);
  ray::RayConfig config;
  ray::Init(config, argc, argv);
}

int run(int argc, char **argv) {
  CallPage *const page = argc < 4 ? nullptr : map_call_page(argv[1]);
  if (page == nullptr) {
    std::fprintf(stderr, "usage: kill_mix PAGE SEED DEADLINE_MS [--ray_NAME=VALUE]...\n");
    return 2;
  }
  const std::uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  Mix mix(*page, seed, static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)));
  argv[3] = argv[0];
  init(*page, argc - 3, argv + 3);
  Commands commands;
  while (!commands.waits() || obey(mix, commands)) mix.step();
  // Some leave before their handles, some after them, some without a word.
  if (seed % 3 == 0) mix.drop_all();
  if (seed % 3 != 2) ray::Shutdown();
  answer("ended");
  return 0;
}

}  // namespace
}  // namespace mix

int main(int argc, char **argv) { return mix::status_of(mix::run, argc, argv); }
