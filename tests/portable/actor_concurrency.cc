// An actor with several threads, and one with a single thread.
#include <ray/api.h>

#include <chrono>
#include <condition_variable>

class Gate {
 public:
  static Gate *Create() { return new Gate; }
  // True when somebody opened it in time.
  bool Pass(int timeout_ms) {
    std::unique_lock<std::mutex> lock(mutex_);
    return opened_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return is_open_; });
  }
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};
RAY_REMOTE(Gate::Create, &Gate::Pass, &Gate::Open);

int main() {
  std::cout << std::boolalpha;
  ray::Init();
  auto gate = ray::Actor(Gate::Create).SetMaxConcurrency(3).Remote();
  const auto first = gate.Task(&Gate::Pass).Remote(20'000);
  const auto second = gate.Task(&Gate::Pass).Remote(20'000);
  gate.Task(&Gate::Open).Remote().Get();
  std::cout << "opened while two wait: " << *first.Get() << " " << *second.Get() << "\n";

  auto narrow = ray::Actor(Gate::Create).Remote();
  const auto waiting = narrow.Task(&Gate::Pass).Remote(300);
  const auto opening = narrow.Task(&Gate::Open).Remote();
  std::cout << "one thread, one after another: " << *waiting.Get() << "\n";
  opening.Get();
  std::cout << "afterwards: " << *narrow.Task(&Gate::Pass).Remote(10).Get() << "\n";
  ray::Shutdown();
}
