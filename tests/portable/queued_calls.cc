// Calls that an actor has not ended, or not even begun, when it is killed.
#include <ray/api.h>

#include <chrono>
#include <thread>

class Slow {
 public:
  static Slow *Create() { return new Slow; }
  int Take(int value) { return value; }
  int Sleep(int time_ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(time_ms));
    return time_ms;
  }
};
RAY_REMOTE(Slow::Create, &Slow::Take, &Slow::Sleep);

bool ends_with_the_actor(const ray::ObjectRef<int> &call) {
  try {
    call.Get();
  } catch (const ray::internal::RayActorException &) {
    return true;
  }
  return false;
}

int main() {
  ray::Init();
  auto slow = ray::Actor(Slow::Create).Remote();
  const auto finished = slow.Task(&Slow::Take).Remote(3);
  std::cout << "a finished one: " << *finished.Get() << "\n";
  std::vector<ray::ObjectRef<int>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(slow.Task(&Slow::Sleep).Remote(60'000));
  slow.Kill();
  int ended = 0;
  for (const auto &call : calls) ended += ends_with_the_actor(call);
  std::cout << "killed before their end: " << ended << " of " << calls.size() << "\n";
  std::cout << "the finished one is still there: " << *finished.Get() << std::endl;
  ray::Shutdown();
}
