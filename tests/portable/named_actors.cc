// Names of actors and namespaces.
#include <ray/api.h>

#include <chrono>
#include <thread>

class Store {
 public:
  static Store *Create(int value) { return new Store{value}; }
  int Get() { return value; }
  int Set(int next) { return std::exchange(value, next); }
  int value;
};
int read_by_name(std::string name);
RAY_REMOTE(Store::Create, &Store::Get, &Store::Set, read_by_name);

int read_by_name(std::string name) {
  auto store = ray::GetActor<Store>(name);
  return store ? *store->Task(&Store::Get).Remote().Get() : -1;
}

bool exists(const std::string &name) { return static_cast<bool>(ray::GetActor<Store>(name)); }

// A name is free again some time after its actor's end.
bool ends(const std::string &name) {
  for (int i = 0; i < 200 && exists(name); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return !exists(name);
}

int main() {
  std::cout << std::boolalpha;
  ray::RayConfig config;
  config.ray_namespace = "shop";
  ray::Init(config);
  std::cout << "nobody: " << exists("till") << ", without a name: " << exists("") << "\n";
  auto till = ray::Actor(Store::Create).SetName("till").Remote(5);
  till.Task(&Store::Get).Remote().Get();
  auto found = ray::GetActor<Store>("till");
  std::cout << "found: " << static_cast<bool>(found) << ", the same: " << (found->ID() == till.ID()) << "\n";
  std::cout << "was " << *found->Task(&Store::Set).Remote(6).Get() << ", is " << *till.Task(&Store::Get).Remote().Get()
            << "\n";
  std::cout << "by a task: " << *ray::Task(read_by_name).Remote(std::string("till")).Get() << "\n";
  std::cout << "in its namespace: " << static_cast<bool>(ray::GetActor<Store>("till", "shop"))
            << ", in another: " << static_cast<bool>(ray::GetActor<Store>("till", "office")) << "\n";

  auto office = ray::Actor(Store::Create).SetName("till", "office").Remote(50);
  office.Task(&Store::Get).Remote().Get();
  std::cout << "the other one: " << *ray::GetActor<Store>("till", "office")->Task(&Store::Get).Remote().Get()
            << ", the first: " << *ray::GetActor<Store>("till")->Task(&Store::Get).Remote().Get() << "\n";
  try {
    ray::Actor(Store::Create).SetName("till").Remote(7);
    std::cout << "a second one of that name\n";
  } catch (const ray::internal::RayException &) {
    std::cout << "one of that name is there: RayException\n";
  }
  till.Kill();
  std::cout << "gone after Kill: " << ends("till") << "\n";
  auto next = ray::Actor(Store::Create).SetName("till").Remote(8);
  std::cout << "the name again: " << *next.Task(&Store::Get).Remote().Get() << "\n";
  ray::Shutdown();
}
