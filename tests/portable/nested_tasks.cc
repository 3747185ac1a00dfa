// Tasks that put, call tasks and actors, and wait for them.
#include <ray/api.h>

int fibonacci(int n);
int add(int left, int right) { return left + right; }
int sum_of_parts(int parts);
int put_and_get(int value) { return *ray::Get(ray::Put(value)) + 1; }
RAY_REMOTE(fibonacci, add, sum_of_parts, put_and_get);

int fibonacci(int n) {
  if (n < 2) return n;
  const auto left = ray::Task(fibonacci).Remote(n - 1);
  const auto right = ray::Task(fibonacci).Remote(n - 2);
  return *left.Get() + *right.Get();
}

int sum_of_parts(int parts) {
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < parts; ++i) results.push_back(ray::Task(add).Remote(i, i));
  const ray::WaitResult<int> waited = ray::Wait(results, parts, 20'000);
  int total = 0;
  for (const auto &result : waited.ready) total += *result.Get();
  return total;
}

class Adder {
 public:
  static Adder *Create() { return new Adder; }
  int Add(int value) { return total_ += value; }
  int AddByTask(int value) { return total_ += *ray::Task(add).Remote(value, value).Get(); }

 private:
  int total_ = 0;
};
int use_an_actor(int calls);
RAY_REMOTE(Adder::Create, &Adder::Add, &Adder::AddByTask, use_an_actor);

int use_an_actor(int calls) {
  ray::ActorHandle<Adder> adder = ray::Actor(Adder::Create).Remote();
  int last = 0;
  for (int i = 1; i <= calls; ++i) last = *adder.Task(&Adder::Add).Remote(i).Get();
  adder.Kill();
  return last;
}

int main() {
  ray::Init();
  std::cout << "put in a task: " << *ray::Task(put_and_get).Remote(4).Get() << "\n";
  std::cout << "fibonacci of 5: " << *ray::Task(fibonacci).Remote(5).Get() << "\n";
  std::cout << "of parts: " << *ray::Task(sum_of_parts).Remote(10).Get() << "\n";
  std::cout << "an actor of a task: " << *ray::Task(use_an_actor).Remote(4).Get() << "\n";
  ray::ActorHandle<Adder> adder = ray::Actor(Adder::Create).Remote();
  std::cout << "a task of an actor: " << *adder.Task(&Adder::AddByTask).Remote(3).Get() << " "
            << *adder.Task(&Adder::AddByTask).Remote(4).Get() << "\n";
  ray::Shutdown();
}
