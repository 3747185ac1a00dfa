// Starts a session, runs two tasks on its workers, passes results by reference.
#include <ray/api.h>

#include <iostream>

int square(int x) { return x * x; }
int add(int left, int right) { return left + right; }
RAY_REMOTE(square, add);

int main(int argc, char **argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  ray::ObjectRef<int> nine = ray::Task(square).Remote(3);        // runs in a worker process
  ray::ObjectRef<int> seven = ray::Put(7);                       // an object in shared memory
  ray::ObjectRef<int> sum = ray::Task(add).Remote(nine, seven);  // starts when its arguments are there

  std::cout << "3 * 3 = " << *ray::Get(nine) << "\n";
  std::cout << "3 * 3 + 7 = " << *ray::Get(sum) << "\n";
  ray::Shutdown();
}
