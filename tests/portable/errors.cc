// What is thrown, of which type, and the parts of the texts that programs may look for.
#include <ray/api.h>

#include <stdexcept>
#include <type_traits>

using namespace ray::internal;

template <typename... Errors>
constexpr bool are_ray_exceptions() {
  return (std::is_base_of_v<RayException, Errors> && ...);
}
static_assert(std::is_base_of_v<std::exception, RayException>);
static_assert(are_ray_exceptions<RayActorException, RayTaskException, RayWorkerException, UnreconstructableException,
                                 RayFunctionNotFound, RayRuntimeEnvException, RayTimeoutException>());

int throw_logic_error(int) { throw std::logic_error("the reason"); }
int throw_a_string() { throw std::string("a string"); }
int end_the_worker() { std::abort(); }
void throw_without_result() { throw std::runtime_error("no result"); }
int pass(int value) { return value; }
int unregistered(int value) { return value; }
int catch_inside();
RAY_REMOTE(throw_logic_error, throw_a_string, end_the_worker, throw_without_result, pass, catch_inside);

int catch_inside() {
  try {
    ray::Task(throw_logic_error).Remote(1).Get();
  } catch (const RayTaskException &) {
    return 1;
  }
  return 0;
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// The most derived of the types that `action` throws.
template <typename Action>
std::string thrown(Action action, std::string *text = nullptr) {
  std::string type = "nothing";
  try {
    action();
    return type;
  } catch (const RayTaskException &error) {
    type = "RayTaskException";
    if (text != nullptr) *text = error.what();
  } catch (const RayWorkerException &error) {
    type = "RayWorkerException";
    if (text != nullptr) *text = error.what();
  } catch (const RayException &error) {
    type = "RayException";
    if (text != nullptr) *text = error.msg_;
  } catch (const std::exception &error) {
    type = "std::exception";
    if (text != nullptr) *text = error.what();
  }
  return type;
}

int main() {
  std::cout << std::boolalpha;
  ray::Init();
  std::string text;
  const auto failed = ray::Task(throw_logic_error).Remote(1);
  std::cout << "logic_error: " << thrown([&] { failed.Get(); }, &text) << "\n";
  std::cout << "names the type: " << has(text, "std::logic_error") << ", the reason: " << has(text, "the reason")
            << ", the function: " << has(text, "throw_logic_error")
            << ", as Ray does: " << has(text, "An exception was thrown while executing function(") << "\n";
  std::cout << "again: " << thrown([&] { ray::Get(failed); }) << "\n";
  std::cout << "with a time limit: " << thrown([&] { ray::Get(failed, 10'000); }) << "\n";
  std::cout << "no exception class: " << thrown([] { ray::Task(throw_a_string).Remote().Get(); }) << "\n";
  std::cout << "no result: " << thrown([] { ray::Task(throw_without_result).Remote().Get(); }) << "\n";
  std::cout << "ready all the same: " << ray::Wait(std::vector<ray::ObjectRef<int>>{failed}, 1, 10'000).ready.size()
            << "\n";
  std::cout << "one of several: " << thrown([&] {
    ray::Get(std::vector<ray::ObjectRef<int>>{failed, ray::Put(2)});
  }) << "\n";
  std::cout << "caught in a task: " << *ray::Task(catch_inside).Remote().Get() << "\n";
  std::cout << "not registered: " << thrown([] { ray::Task(unregistered).Remote(1); }, &text) << "\n" << text << "\n";
  std::cout << "the worker's death: " << thrown([] { ray::Task(end_the_worker).Remote().Get(); }) << "\n";
  std::cout << "the session goes on: " << *ray::Task(pass).Remote(5).Get() << "\n";
  std::cout << "what() is msg_: " << (std::string(RayException("m").what()) == RayException("m").msg_) << "\n";
  ray::Shutdown();
}
