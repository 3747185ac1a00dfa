// Actors that outlive their program: in a session that outlives it, too.
#include <ray/api.h>

class Notes {
 public:
  static Notes *Create() { return new Notes; }
  int Add(int value) {
    values_.push_back(value);
    return static_cast<int>(values_.size());
  }

 private:
  std::vector<int> values_;
};
RAY_REMOTE(Notes::Create, &Notes::Add);

int main() {
  std::cout << std::boolalpha;
  ray::RayConfig config;
  config.ray_namespace = "detached";
  config.default_actor_lifetime = ray::ActorLifetime::DETACHED;
  ray::Init(config);
  {
    auto notes = ray::Actor(Notes::Create).SetName("notes").Remote();
    std::cout << *notes.Task(&Notes::Add).Remote(1).Get() << "\n";
  }
  ray::Shutdown();

  ray::RayConfig later;
  later.ray_namespace = "detached";
  ray::Init(later);
  auto notes = ray::GetActor<Notes>("notes");
  std::cout << "found: " << static_cast<bool>(notes) << "\n";
  if (notes) {
    std::cout << *notes->Task(&Notes::Add).Remote(2).Get() << "\n";
    notes->Kill();
  }
  ray::Shutdown();
}
