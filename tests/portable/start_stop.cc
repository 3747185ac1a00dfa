// Init in its forms, IsInitialized, Shutdown, and what a session knows of itself.
#include <ray/api.h>

bool is_initialized_in_a_task() { return ray::IsInitialized(); }
std::string namespace_in_a_task() { return ray::GetNamespace(); }
RAY_REMOTE(is_initialized_in_a_task, namespace_in_a_task);

int main(int argc, char **argv) {
  std::cout << std::boolalpha;
  std::cout << "before Init: " << ray::IsInitialized() << "\n";
  ray::Init();
  std::cout << "after Init: " << ray::IsInitialized() << "\n";
  std::cout << "in a task: " << *ray::Task(is_initialized_in_a_task).Remote().Get() << "\n";
  const std::string unnamed = ray::GetNamespace();
  std::cout << "an unnamed namespace is empty: " << unnamed.empty() << "\n";
  ray::Init();  // does nothing
  std::cout << "a repeated Init keeps objects: " << *ray::Put(5).Get() << "\n";
  ray::Shutdown();
  std::cout << "after Shutdown: " << ray::IsInitialized() << "\n";
  ray::Shutdown();  // does nothing
  std::cout << "after two of them: " << ray::IsInitialized() << "\n";

  ray::RayConfig config;
  std::cout << "defaults: address '" << config.address << "', local " << config.local_mode << ", paths "
            << config.code_search_path.size() << ", head arguments " << config.head_args.size() << ", namespace '"
            << config.ray_namespace << "'\n";
  config.ray_namespace = "portable";
  ray::Init(config);
  std::cout << "named namespace: " << ray::GetNamespace() << "\n";
  std::cout << "the same in a task: " << *ray::Task(namespace_in_a_task).Remote().Get() << "\n";
  ray::Shutdown();

  ray::RayConfig other;
  ray::Init(other, argc, argv);
  std::cout << "another unnamed one is the same: " << (ray::GetNamespace() == unnamed) << "\n";
  std::cout << "Init with arguments: " << ray::IsInitialized() << ", " << *ray::Put(std::string("text")).Get() << "\n";
  ray::Shutdown();
  std::cout << "at the end: " << ray::IsInitialized() << std::endl;
}
