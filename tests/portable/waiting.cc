// Wait, and time limits of Get.
#include <ray/api.h>

#include <chrono>
#include <thread>

int after(int value, int delay_ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
  return value;
}
void nothing() {}
RAY_REMOTE(after, nothing);

template <typename T>
void print(const std::string &what, const ray::WaitResult<T> &result) {
  std::cout << what << ": " << result.ready.size() << " ready, " << result.unready.size() << " not\n";
}

void show_wait() {
  const std::vector<ray::ObjectRef<int>> put = {ray::Put(1), ray::Put(2), ray::Put(3)};
  const ray::WaitResult<int> all = ray::Wait(put, 3, 10'000);
  print("three values", all);
  std::cout << "in their order:";
  for (const ray::ObjectRef<int> &object : all.ready) std::cout << " " << *object.Get();
  std::cout << "\n";

  const ray::ObjectRef<int> slow = ray::Task(after).Remote(7, 3'000);
  print("a slow one", ray::Wait(std::vector<ray::ObjectRef<int>>{slow}, 1, 50));
  const ray::WaitResult<int> mixed = ray::Wait(std::vector<ray::ObjectRef<int>>{slow, put[0]}, 1, 10'000);
  print("a slow one and a value", mixed);
  std::cout << "the ready one: " << *mixed.ready.front().Get() << "\n";
  std::cout << "the slow one, later: " << *mixed.unready.front().Get() << "\n";
  print("waited for again", ray::Wait(std::vector<ray::ObjectRef<int>>{slow}, 1, -1));

  std::vector<ray::ObjectRef<void>> voids = {ray::Task(nothing).Remote(), ray::Task(nothing).Remote()};
  print("without values", ray::Wait(voids, 2, 10'000));
}

void show_time_limits() {
  const ray::ObjectRef<int> slow = ray::Task(after).Remote(8, 2'000);
  try {
    ray::Get(slow, 50);
    std::cout << "no time limit\n";
  } catch (const ray::internal::RayTimeoutException &) {
    std::cout << "RayTimeoutException\n";
  }
  try {
    slow.Get(50);
    std::cout << "no time limit\n";
  } catch (const ray::internal::RayException &) {
    std::cout << "which is a RayException\n";
  }
  std::cout << "the reference is still good: " << *slow.Get(20'000) << "\n";
}

int main() {
  ray::Init();
  show_wait();
  show_time_limits();
  try {
    ray::Wait(std::vector<ray::ObjectRef<int>>{ray::Put(1)}, 0, 10);
    std::cout << "none is fine\n";
  } catch (const ray::internal::RayException &error) {
    std::cout << "none: " << error.msg_.substr(0, 18) << "\n";
  }
  ray::Shutdown();
}
