// How actors end, and what their callers see.
#include <ray/api.h>

#include <stdexcept>

using namespace ray::internal;

class Worker {
 public:
  static Worker *Create() { return new Worker; }
  static Worker *CreateBadly(std::string reason) { throw std::runtime_error(reason); }
  int Count() { return ++count_; }
  int Throw() { throw std::out_of_range("too far"); }
  int Exit() {
    ray::ExitActor();
    return 0;
  }
  int Abort() { std::abort(); }

 private:
  int count_ = 0;
};
RAY_REMOTE(Worker::Create, Worker::CreateBadly, &Worker::Count, &Worker::Throw, &Worker::Exit, &Worker::Abort);

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

template <typename Action>
std::string thrown(Action action) {
  try {
    action();
  } catch (const RayActorException &) {
    return "RayActorException";
  } catch (const RayTaskException &error) {
    return std::string("RayTaskException") + (has(error.what(), "std::out_of_range") ? " of std::out_of_range" : "");
  } catch (const RayException &) {
    return "RayException";
  } catch (const std::exception &) {
    return "std::exception";
  }
  return "nothing";
}

std::string next_count(ray::ActorHandle<Worker> &worker) {
  return thrown([&] { worker.Task(&Worker::Count).Remote().Get(); });
}

// Kill is on its way when it returns: a call may still be answered.
bool ends(ray::ActorHandle<Worker> &worker) {
  for (int i = 0; i < 1000 && next_count(worker) == "nothing"; ++i) {
  }
  return next_count(worker) == "RayActorException";
}

int main() {
  ray::Init();
  auto worker = ray::Actor(Worker::Create).Remote();
  std::cout << "a method that throws: " << thrown([&] { worker.Task(&Worker::Throw).Remote().Get(); }) << "\n";
  std::cout << "the actor goes on: " << *worker.Task(&Worker::Count).Remote().Get() << "\n";
  worker.Kill();
  std::cout << "after Kill: " << ends(worker) << ", and again: " << next_count(worker) << "\n";
  worker.Kill();
  std::cout << "killed twice\n";

  auto leaving = ray::Actor(Worker::Create).Remote();
  leaving.Task(&Worker::Count).Remote().Get();
  std::cout << "the call that exits: " << thrown([&] { leaving.Task(&Worker::Exit).Remote().Get(); })
            << ", the next: " << next_count(leaving) << "\n";

  auto aborting = ray::Actor(Worker::Create).Remote();
  std::cout << "the call that aborts: " << thrown([&] { aborting.Task(&Worker::Abort).Remote().Get(); })
            << ", the next: " << next_count(aborting) << "\n";

  auto bad = ray::Actor(Worker::CreateBadly).Remote("not today");
  std::cout << "a constructor that throws: " << next_count(bad) << "\n";
  std::cout << "ExitActor outside of an actor: " << (thrown([] { ray::ExitActor(); }) != "nothing") << "\n";

  auto last = ray::Actor(Worker::Create).Remote();
  std::cout << "the session goes on: " << *last.Task(&Worker::Count).Remote().Get() << "\n";
  ray::Shutdown();
}
