// Custom and fractional resources: tasks and actors that ask for them wait for each other.
#include <ray/api.h>

int pass(int value) { return value; }
class Holder {
 public:
  static Holder *Create() { return new Holder; }
  int Value() { return 11; }
};
RAY_REMOTE(pass, Holder::Create, &Holder::Value);

int main() {
  ray::RayConfig config;  // a cluster that is there already has been started with these
  config.head_args = {"--num-cpus", "4", "--resources", R"({"disk":2,"port":1})"};
  ray::Init(config);
  std::cout << *ray::Task(pass).SetResource("disk", 1).Remote(1).Get() << "\n";
  std::cout << *ray::Task(pass).SetResources({{"disk", 2}, {"CPU", 1}}).Remote(2).Get() << "\n";
  std::vector<ray::ObjectRef<int>> halves;
  for (int i = 0; i < 6; ++i) halves.push_back(ray::Task(pass).SetResource("port", 0.5).Remote(i));
  std::cout << ray::Wait(halves, 6, 20'000).ready.size() << "\n";

  ray::ActorHandle<Holder> holder = ray::Actor(Holder::Create).SetResource("port", 1).Remote();
  std::cout << *holder.Task(&Holder::Value).Remote().Get() << "\n";
  const auto waiting = ray::Task(pass).SetResource("port", 1).Remote(4);
  std::cout << "while an actor has it: " << ray::Wait(std::vector<ray::ObjectRef<int>>{waiting}, 1, 300).ready.size()
            << "\n";
  holder.Kill();
  std::cout << "when it is gone: " << *waiting.Get(20'000) << "\n";
  try {
    ray::Actor(Holder::Create).SetResource("port", 1.5).Remote();
  } catch (const ray::internal::RayException &error) {
    std::cout << error.what() << "\n";
  }
  ray::Shutdown();
}
