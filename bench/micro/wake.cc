// From a seal to a thread that slept for the object: the settling CAS, the look at the waiters, the bell.
#include <atomic>
#include <thread>

#include "base/clock.h"
#include "micro/local_segment.h"
#include "micro/operations.h"
#include "refs/waiters.h"
#include "rows.h"
#include "segment/bell.h"

namespace bench::micro {
namespace {

// One object and one thread that waits for it, as another client.
class Sleeper {
 public:
  explicit Sleeper(std::uint32_t entry) : row_(&maker_.begin(entry)), entry_(entry), thread_([this] { wait(); }) {
    while (slot().sleepers.load() == 0) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(100));  // it was counted in, now it does sleep
  }

  double wake_ns() {
    const double start_s = now_s();
    require(maker_.references.settle(*row_, State::kSealed), "not sealed");
    mobula::refs::ring_waiters(*segment_, entry_);
    thread_.join();
    return (woken_s_ - start_s) * 1e9;
  }

 private:
  segment::ClientSlot &slot() { return segment_->client(kWaiter); }

  // As client/waiter.h does it, but for its looks before it sleeps: these are over.
  void wait() {
    mobula::refs::set_waiter(*segment_, kWaiter, entry_);
    slot().sleepers.fetch_add(1);
    for (;;) {
      const std::uint32_t seen = slot().bell.load();
      if (mobula::refs::is_settled(segment_->entry(entry_).state.load())) break;
      segment::wait_for_bell(slot().bell, seen, segment_->header().life, mobula::base::kForever);
    }
    woken_s_ = now_s();
  }

  static constexpr std::uint32_t kMaker = 1;
  static constexpr std::uint32_t kWaiter = 2;
  std::unique_ptr<segment::Segment> segment_ = make_local();
  LocalClient maker_{*segment_, kMaker};
  segment::Row *row_;
  const std::uint32_t entry_;
  double woken_s_ = 0;
  std::thread thread_;

  static std::unique_ptr<segment::Segment> make_local() {
    std::unique_ptr<segment::Segment> made = make_segment();
    for (std::uint32_t client = kMaker; client <= kWaiter; ++client) {
      require(made->reserve_client(client) == nullptr, "no client");
    }
    return made;
  }
};

}  // namespace

double seal_to_wake_ns() { return Sleeper(1).wake_ns(); }

void start_idle_thread() {
  static std::atomic<bool> never{false};
  std::thread([] { never.wait(false); }).detach();
}

}  // namespace bench::micro
