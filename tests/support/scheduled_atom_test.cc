// The explorer itself: it finds what C++ allows, and nothing else.
#include "support/scheduled_atom.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "support/explorer.h"

namespace mobula::support {
namespace {

using Number = ScheduledAtomic<std::uint32_t>;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcquireRelease = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

struct Two {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};

// Two words at fixed addresses, both 0, and what two threads read.
struct Words {
  Number x;
  Number y;
  Two seen;

  using Body = std::function<void(Words &)>;
  Exploration explore_pair(const Body &one, const Body &other, const std::function<std::string(Words &)> &check) {
    return explore([&, this](Scenario &scenario) {
      x.store(0);
      y.store(0);
      seen = {};
      scenario.name(&x, "x");
      scenario.name(&y, "y");
      scenario.thread("one", [&, this] { one(*this); });
      scenario.thread("other", [&, this] { other(*this); });
      scenario.at_end([&, this] { return check(*this); });
    });
  }
};

Exploration store_buffering(std::memory_order store, std::memory_order load, std::memory_order fence = kRelaxed) {
  Words words;
  return words.explore_pair(
      [=](Words &w) {
        w.x.store(1, store);
        if (fence != kRelaxed) scheduled_fence(fence);
        w.seen.first = w.y.load(load);
      },
      [=](Words &w) {
        w.y.store(1, store);
        if (fence != kRelaxed) scheduled_fence(fence);
        w.seen.second = w.x.load(load);
      },
      [](Words &w) { return w.seen.first == 0 && w.seen.second == 0 ? "both read 0" : ""; });
}

Exploration message_passing(std::memory_order store, std::memory_order load) {
  Words words;
  return words.explore_pair(
      [=](Words &w) {
        w.x.store(1, kRelaxed);
        w.y.store(1, store);
      },
      [=](Words &w) {
        w.seen.first = w.y.load(load);
        w.seen.second = w.x.load(kRelaxed);
      },
      [](Words &w) { return w.seen.first == 1 && w.seen.second == 0 ? "the message is not there" : ""; });
}

bool found(const Exploration &exploration, const char *text) {
  return exploration.failure.find(text) != std::string::npos;
}

TEST_SUITE("support/scheduled atom") {
  TEST_CASE("store buffering is found, but for sequential consistency on all four operations or fences between") {
    CHECK(found(store_buffering(kRelaxed, kRelaxed), "both read 0"));
    CHECK(found(store_buffering(kRelease, kAcquire), "both read 0"));
    CHECK(found(store_buffering(kSeqCst, kAcquire), "both read 0"));
    CHECK(found(store_buffering(kRelease, kSeqCst), "both read 0"));
    CHECK(found(store_buffering(kRelaxed, kRelaxed, kAcquireRelease), "both read 0"));
    CHECK(store_buffering(kSeqCst, kSeqCst).failure == "");
    CHECK(store_buffering(kRelaxed, kRelaxed, kSeqCst).failure == "");
  }

  TEST_CASE("a message is passed by release and acquire, and by nothing less") {
    CHECK(found(message_passing(kRelaxed, kRelaxed), "the message is not there"));
    CHECK(found(message_passing(kRelease, kRelaxed), "the message is not there"));
    CHECK(found(message_passing(kRelaxed, kAcquire), "the message is not there"));
    CHECK(message_passing(kRelease, kAcquire).failure == "");
    CHECK(message_passing(kSeqCst, kSeqCst).failure == "");
  }

  TEST_CASE("a read-modify-write of another thread carries the first writer's message on") {
    for (const bool carried : {true, false}) {
      Number x;
      Number y;
      const Exploration all = explore([&](Scenario &scenario) {
        x.store(0);
        y.store(0);
        scenario.thread("writer", [&] {
          x.store(1, kRelaxed);
          y.store(1, kRelease);
        });
        scenario.thread("middle", [&] {
          if (carried) {
            y.fetch_add(1, kRelaxed);
          } else if (y.load(kRelaxed) == 1) {
            y.store(2, kRelaxed);
          }
        });
        scenario.thread("reader", [&] {
          if (y.load(kAcquire) == 2) expect(x.load(kRelaxed) == 1, "the message is not there");
        });
      });
      CHECK(all.failure.empty() == carried);
    }
  }

  TEST_CASE("threads that read two independent writes agree on their order by sequential consistency only") {
    for (const auto order : {kSeqCst, kAcquire}) {
      Number x;
      Number y;
      Two first;
      Two second;
      const auto store_order = order == kSeqCst ? kSeqCst : kRelease;
      const Exploration all = explore([&](Scenario &scenario) {
        x.store(0);
        y.store(0);
        first = second = {};
        scenario.thread("x", [&] { x.store(1, store_order); });
        scenario.thread("y", [&] { y.store(1, store_order); });
        scenario.thread("first", [&] { first = {x.load(order), y.load(order)}; });
        scenario.thread("second", [&] {
          second.first = y.load(order);
          second.second = x.load(order);
        });
        scenario.at_end([&] {
          const bool differ = first.first == 1 && first.second == 0 && second.first == 1 && second.second == 0;
          return differ ? "they disagree" : "";
        });
      });
      CHECK(all.failure.empty() == (order == kSeqCst));
    }
  }

  TEST_CASE("a thread never reads an older value than it has read before") {
    Words words;
    const Exploration all = words.explore_pair(
        [](Words &w) {
          w.x.store(1, kRelaxed);
          w.x.store(2, kRelaxed);
        },
        [](Words &w) {
          w.seen = {w.x.load(kRelaxed), w.x.load(kRelaxed)};
        },
        [](Words &w) { return w.seen.first > w.seen.second ? "back in time" : ""; });
    CHECK(all.failure == "");
    CHECK(all.executions >= 6);  // 00 01 02 11 12 22
  }

  TEST_CASE("an update by load and store gets lost, one by a locked instruction or under a mutex does not") {
    enum class How { kLoadStore, kModify, kCompare, kMutex };
    for (const How how : {How::kLoadStore, How::kModify, How::kCompare, How::kMutex}) {
      Number count;
      ScheduledMutex mutex;
      const auto add = [&] {
        if (how == How::kModify) {
          count.fetch_add(1, kRelaxed);
        } else if (how == How::kCompare) {
          std::uint32_t seen = count.load(kRelaxed);
          while (!count.compare_exchange_weak(seen, seen + 1, kRelaxed)) {
          }
        } else if (how == How::kMutex) {
          const std::lock_guard lock(mutex);
          count.store(count.load(kRelaxed) + 1, kRelaxed);
        } else {
          count.store(count.load(kSeqCst) + 1, kSeqCst);
        }
      };
      const Exploration all = explore([&](Scenario &scenario) {
        count.store(0);
        scenario.thread("one", add);
        scenario.thread("other", add);
        scenario.at_end([&] { return count.load() == 2 ? "" : "one is lost"; });
      });
      CHECK(all.failure.empty() == (how != How::kLoadStore));
    }
  }

  TEST_CASE("a mutex excludes and hands over what was written under it") {
    for (const bool locked : {true, false}) {
      Cell bytes;
      ScheduledMutex mutex;
      const auto use = [&] {
        if (locked) mutex.lock();
        bytes.read();
        bytes.write();
        if (locked) mutex.unlock();
      };
      const Exploration all = explore([&](Scenario &scenario) {
        scenario.thread("one", use);
        scenario.thread("other", use);
      });
      CHECK(all.failure.empty() == locked);
    }
  }

  TEST_CASE("two locks taken crosswise are a deadlock, in the same order they are none") {
    for (const bool crosswise : {true, false}) {
      std::array<std::optional<ScheduledMutex>, 2> mutexes;
      const auto use = [&](std::size_t first) {
        const std::lock_guard outer(*mutexes[first]);
        const std::lock_guard inner(*mutexes[1 - first]);
      };
      const Exploration all = explore([&](Scenario &scenario) {
        for (auto &mutex : mutexes) mutex.emplace();
        scenario.thread("one", [&] { use(0); });
        scenario.thread("other", [&] { use(crosswise ? 1 : 0); });
      });
      CHECK(found(all, "deadlock") == crosswise);
    }
  }

  TEST_CASE("a failure has the operations in their order and a schedule that gives it again") {
    Number x;
    const auto prepare = [&](Scenario &scenario) {
      x.store(0);
      scenario.name(&x, "the word");
      scenario.thread("writer", [&] { x.store(5, kRelaxed); });
      scenario.thread("reader", [&] {
        if (x.load(kRelaxed) == 5) expect(x.load(kAcquire) != 5, "five was read");
      });
    };
    const Exploration all = explore(prepare);
    CHECK(found(all, "five was read"));
    CHECK(found(all, "store    relaxed  the word             = 0x5"));
    CHECK(found(all, "MOBULA_SCHEDULE"));
    const Exploration again = replay(prepare, all.schedule);
    CHECK(again.failure == all.failure);
    CHECK(found(replay(prepare, "1"), "nothing is wrong"));
    CHECK(found(replay(prepare, "1 1"), "does not fit"));
  }

  TEST_CASE("atomics that move from one execution to the next are told") {
    std::vector<std::unique_ptr<Number>> all_words;
    const Exploration all = explore([&](Scenario &scenario) {
      Number &word = *all_words.emplace_back(std::make_unique<Number>());
      for (const char *name : {"one", "other"}) scenario.thread(name, [&word] { word.fetch_add(1, kRelaxed); });
    });
    CHECK(found(all, "move from one execution to the next"));
  }

  TEST_CASE("limits are failures") {
    Number x;
    const auto prepare = [&](Scenario &scenario) {
      x.store(0);
      for (const char *name : {"one", "other"}) {
        scenario.thread(name, [&] {
          for (std::uint32_t i = 0; i < 6; ++i) x.fetch_add(1, kRelaxed);
        });
      }
    };
    ExplorerLimits limits;
    limits.executions_max = 10;
    CHECK(found(explore(prepare, limits), "more executions than 10"));
    limits = {};
    limits.steps_max = 5;
    CHECK(found(explore(prepare, limits), "more operations than 5"));
    CHECK(explore(prepare).executions == 924);  // 12 over 6: all orders differ
  }
}

}  // namespace
}  // namespace mobula::support
