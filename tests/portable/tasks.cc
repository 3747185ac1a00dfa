// Functions of every form as tasks: overloads, static members, references, rvalues, no result, many arguments.
#include <ray/api.h>

int zero() { return 0; }
int plus(int left, int right) { return left + right; }
int overloaded() { return 1; }
int overloaded(int value) { return 10 + value; }
std::string overloaded(std::string text) { return "text " + text; }
double halve(double value) noexcept { return value / 2; }
std::string join(const std::string &left, std::string right) { return left + right; }
std::size_t take(std::vector<int> &&values) { return values.size(); }
std::size_t look(std::vector<int> &values) { return values.size() + 1; }
long wide(long value) { return value; }
void nothing() {}
std::string six(int a, double b, bool c, std::string d, std::vector<int> e, char f) {
  return std::to_string(a) + " " + std::to_string(b) + " " + std::to_string(c) + " " + d + " " +
         std::to_string(e.size()) + " " + std::to_string(f);
}

struct Tools {
  static int twice(int value) { return 2 * value; }
  static int many() { return 1; }
  static int many(int value) { return value; }
};

namespace deep {
namespace inside {
int function() { return 42; }
}  // namespace inside
}  // namespace deep

template <typename T>
T same(T value) {
  return value;
}

RAY_REMOTE(zero, plus, halve, join, take, look, wide, nothing, six);
RAY_REMOTE(RAY_FUNC(overloaded), RAY_FUNC(overloaded, int), RAY_FUNC(overloaded, std::string));
RAY_REMOTE(Tools::twice, RAY_FUNC(Tools::many), RAY_FUNC(Tools::many, int), deep::inside::function);
RAY_REMOTE(same<int>, same<std::string>);

void show_forms() {
  std::cout << *ray::Task(zero).Remote().Get() << " " << *ray::Task(plus).Remote(1, 2).Get() << "\n";
  std::cout << *ray::Task(RAY_FUNC(overloaded)).Remote().Get() << " "
            << *ray::Task(RAY_FUNC(overloaded, int)).Remote(5).Get() << " "
            << *ray::Task(RAY_FUNC(overloaded, std::string)).Remote(std::string("five")).Get() << "\n";
  std::cout << *ray::Task(Tools::twice).Remote(4).Get() << " " << *ray::Task(RAY_FUNC(Tools::many)).Remote().Get()
            << " " << *ray::Task(RAY_FUNC(Tools::many, int)).Remote(3).Get() << "\n";
  std::cout << *ray::Task(deep::inside::function).Remote().Get() << "\n";
  std::cout << *ray::Task(same<int>).Remote(6).Get() << " "
            << *ray::Task(same<std::string>).Remote(std::string("six")).Get() << "\n";
  ray::Task(nothing).Remote().Get();
  ray::Task(nothing).Remote().Get(10'000);
  std::cout << "no result\n";
}

void show_arguments() {
  std::cout << *ray::Task(halve).Remote(5).Get() << " " << *ray::Task(wide).Remote(7).Get() << "\n";
  std::cout << *ray::Task(join).Remote("a literal ", std::string("and a string")).Get() << "\n";
  const std::vector<int> three = {1, 2, 3};
  std::vector<int> four = {1, 2, 3, 4};
  std::cout << *ray::Task(take).Remote(std::vector<int>{1, 2}).Get() << " "
            << *ray::Task(join).Remote(std::string("x"), "y").Get() << "\n";
  std::cout << *ray::Task(six).Remote(1, 2.5, true, "four", three, 'f').Get() << "\n";
  std::cout << four.size() << "\n";
}

void show_dependencies() {
  const ray::ObjectRef<int> one = ray::Put(1);
  const ray::ObjectRef<int> three = ray::Task(plus).Remote(one, 2);
  std::cout << *ray::Task(plus).Remote(three, three).Get() << "\n";
  ray::ObjectRef<int> sum = ray::Put(0);
  for (int i = 1; i <= 50; ++i) sum = ray::Task(plus).Remote(sum, i);
  std::cout << "a chain: " << *sum.Get() << "\n";
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < 300; ++i) results.push_back(ray::Task(plus).Remote(i, 1));
  long total = 0;
  for (const auto &value : ray::Get(results)) total += *value;
  std::cout << "300 at once: " << total << "\n";
  const ray::ObjectRef<std::string> large = ray::Put(std::string(500'000, 'x'));
  std::cout << "a large one: " << ray::Task(join).Remote(large, "y").Get()->size() << "\n";
}

int main() {
  ray::Init();
  show_forms();
  show_arguments();
  show_dependencies();
  ray::Shutdown();
}
