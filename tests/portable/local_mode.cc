// Local mode: everything runs in this process, at once.
#include <ray/api.h>

#include <stdexcept>

int calls = 0;

int plus(int left, int right) {
  ++calls;
  return left + right;
}
int throw_error() { throw std::runtime_error("locally"); }
class Counter {
 public:
  static Counter *Create(int start) {
    auto *counter = new Counter;
    counter->count_ = start;
    return counter;
  }
  int Add(int value) { return count_ += value; }
  bool WasRestarted() { return ray::WasCurrentActorRestarted(); }

 private:
  int count_ = 0;
};
RAY_REMOTE(plus, throw_error, Counter::Create, &Counter::Add, &Counter::WasRestarted);

int main() {
  std::cout << std::boolalpha;
  ray::RayConfig config;
  config.local_mode = true;
  ray::Init(config);
  std::cout << ray::IsInitialized() << " " << *ray::Get(ray::Put(std::string("text"))) << "\n";
  const auto three = ray::Task(plus).Remote(1, 2);
  std::cout << *three.Get() << " " << *ray::Task(plus).Remote(three, ray::Put(4)).Get() << "\n";
  std::cout << "run here: " << calls << "\n";
  auto counter = ray::Actor(Counter::Create).Remote(10);
  std::cout << *counter.Task(&Counter::Add).Remote(1).Get() << " " << *counter.Task(&Counter::Add).Remote(three).Get()
            << " " << *counter.Task(&Counter::WasRestarted).Remote().Get() << "\n";
  try {
    ray::Task(throw_error).Remote().Get();
  } catch (const ray::internal::RayTaskException &error) {
    std::cout << "RayTaskException: " << (std::string(error.what()).find("locally") != std::string::npos) << "\n";
  }
  const auto waited = ray::Wait(std::vector<ray::ObjectRef<int>>{three}, 1, 1'000);
  std::cout << waited.ready.size() << " ready\n";
  ray::Shutdown();
  std::cout << ray::IsInitialized() << "\n";
}
