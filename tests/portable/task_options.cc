// Options of tasks: names, CPUs, and the checks of resources with their texts.
#include <ray/api.h>

int pass(int value) { return value; }
RAY_REMOTE(pass);

void show_error(const std::string &name, double value) {
  try {
    ray::Task(pass).SetResource(name, value).Remote(1);
    std::cout << "accepted\n";
  } catch (const ray::internal::RayException &error) {
    std::cout << error.what() << "\n";
  }
}

int main() {
  ray::Init();
  std::cout << *ray::Task(pass).SetName("with a name").Remote(1).Get() << "\n";
  std::cout << *ray::Task(pass).SetResource("CPU", 1).Remote(2).Get() << "\n";
  std::cout << *ray::Task(pass).SetResource("CPU", 0.5).Remote(3).Get() << "\n";
  std::cout << *ray::Task(pass).SetResources({{"CPU", 2}}).SetName("both").Remote(4).Get() << "\n";
  // The first value of a resource stays.
  std::cout << *ray::Task(pass).SetResource("CPU", 1).SetResource("CPU", 1'000'000).Remote(5).Get() << "\n";
  show_error("CPU", 0);
  show_error("", 1);
  show_error("CPU", 1.5);
  show_error("disk", 2.25);
  try {
    ray::internal::CheckTaskOptions({{"CPU", 3.5}});
  } catch (const ray::internal::RayException &error) {
    std::cout << error.what() << "\n";
  }
  ray::internal::CheckTaskOptions({{"CPU", 3}, {"disk", 0.125}});
  ray::Shutdown();
}
