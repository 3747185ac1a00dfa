// Names that programs may use without calling them: cross-language types, handles, defaults of the configuration.
#include <ray/api.h>

#include <type_traits>

int plus(int left, int right) { return left + right; }
RAY_REMOTE(plus);

static_assert(std::is_same_v<decltype(ray::Task(plus).Remote(1, 2)), ray::ObjectRef<int>>);
static_assert(std::is_same_v<decltype(ray::Get(ray::ObjectRef<int>())), std::shared_ptr<int>>);
static_assert(std::is_same_v<decltype(ray::WaitResult<int>().ready), std::list<ray::ObjectRef<int>>>);
static_assert(std::is_same_v<decltype(ray::GetActor<int>("")), boost::optional<ray::ActorHandle<int>>>);
static_assert(std::is_same_v<decltype(ray::GetActor("")), boost::optional<ray::ActorHandleXlang>>);
static_assert(std::is_same_v<ray::ActorHandleXlang, ray::ActorHandle<void, true>>);
static_assert(std::is_same_v<decltype(ray::ObjectRef<void>().Get()), void>);
static_assert(std::is_same_v<decltype(&ray::GetAllPlacementGroups), std::vector<ray::PlacementGroup> (*)()>);

// Compiled, never called: another language would have to answer.
int call_python() {
  return *ray::Task(ray::PyFunction<int>{"module", "function"}).Remote(1).Get() +
         *ray::Actor(ray::PyActorClass{"module", "Class"})
              .Remote(1)
              .Task(ray::PyActorMethod<int>{"method"})
              .Remote()
              .Get();
}
int call_java() {
  return *ray::Task(ray::JavaFunction<int>{"com.Class", "function"}).Remote(1).Get() +
         *ray::Actor(ray::JavaActorClass{"com.Class"})
              .Remote()
              .Task(ray::JavaActorMethod<int>{"method"})
              .Remote()
              .Get();
}

int main(int argc, char **) {
  std::cout << std::boolalpha;
  if (argc > 100) std::cout << call_python() + call_java();
  const ray::PyActorClass python{"module", "Class"};
  const ray::JavaActorClass java{"com.Class"};
  std::cout << python.module_name << " " << python.class_name << " " << python.function_name << " " << java.class_name
            << " " << java.function_name << "\n";
  std::cout << ray::PyFunction<int>{"module", "function"}.function_name << "\n";
  const ray::RayConfig config;
  std::cout << (config.default_actor_lifetime == ray::ActorLifetime::NON_DETACHED) << " "
            << static_cast<bool>(config.runtime_env) << static_cast<bool>(config.redis_username_)
            << static_cast<bool>(config.redis_password_) << " " << config.is_worker_ << "\n";
  std::cout << static_cast<int>(ray::ActorLifetime::NON_DETACHED) << static_cast<int>(ray::ActorLifetime::DETACHED)
            << "\n";
}
