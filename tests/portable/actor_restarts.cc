// Actors that are started again after their death.
#include <ray/api.h>

#include <chrono>
#include <thread>

using namespace ray::internal;

class Restarting {
 public:
  Restarting() : restarted_at_construction_(ray::WasCurrentActorRestarted()) {}
  static Restarting *Create() { return new Restarting; }
  int Count() { return ++count_; }
  bool WasRestarted() { return ray::WasCurrentActorRestarted(); }
  bool WasRestartedAtConstruction() { return restarted_at_construction_; }

 private:
  int count_ = 0;
  bool restarted_at_construction_;
};
RAY_REMOTE(Restarting::Create, &Restarting::Count, &Restarting::WasRestarted, &Restarting::WasRestartedAtConstruction);

// Calls until the actor answers: while it is started again a call may fail.
template <typename Method>
auto call(ray::ActorHandle<Restarting> &actor, Method method) {
  for (int i = 0;; ++i) {
    try {
      return *actor.Task(method).Remote().Get();
    } catch (const std::exception &) {  // Ray has no exception for an actor that is just away
      if (i == 100) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// Kill is not waited for by Ray.
bool ends(ray::ActorHandle<Restarting> &actor) {
  for (int i = 0; i < 100; ++i) {
    try {
      actor.Task(&Restarting::Count).Remote().Get();
    } catch (const RayActorException &) {
      return true;
    } catch (const std::exception &) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

void wait_for_restart(ray::ActorHandle<Restarting> &actor) {
  for (int i = 0; i < 100 && !call(actor, &Restarting::WasRestarted); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

int main() {
  std::cout << std::boolalpha;
  ray::Init();
  auto actor = ray::Actor(Restarting::Create).SetMaxRestarts(1).Remote();
  std::cout << "counts: " << call(actor, &Restarting::Count) << " " << call(actor, &Restarting::Count) << "\n";
  std::cout << "restarted: " << call(actor, &Restarting::WasRestarted) << "\n";
  actor.Kill(false);
  wait_for_restart(actor);
  std::cout << "restarted: " << call(actor, &Restarting::WasRestarted)
            << ", known to its constructor: " << call(actor, &Restarting::WasRestartedAtConstruction) << "\n";
  actor.Kill(false);
  std::cout << "a second restart is not given: " << ends(actor) << "\n";

  auto endless = ray::Actor(Restarting::Create).SetMaxRestarts(-1).Remote();
  std::cout << "another: " << call(endless, &Restarting::WasRestarted) << "\n";
  endless.Kill();  // for good, whatever its restarts
  std::cout << "killed for good: " << ends(endless) << "\n";
  std::cout << "in the driver: " << ray::WasCurrentActorRestarted() << "\n";
  ray::Shutdown();
}
