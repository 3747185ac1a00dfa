#include "ray/api/ray_remote.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "ray/api/function_traits.h"

namespace {

using ray::internal::IsTask;

std::vector<std::string> take_all(std::string_view names, int count) {
  std::vector<std::string> taken;
  for (int i = 0; i < count; ++i) taken.emplace_back(ray::internal::take_name(names));
  return taken;
}

int overloaded() { return 0; }
int overloaded(int) { return 1; }
int overloaded(int, double) { return 2; }

struct Machine {
  static Machine *create(int) { return nullptr; }
  static int spin(int turns) { return turns; }
  int turn(int) { return 1; }
  int turn(double) const { return 2; }
};

}  // namespace

TEST_CASE("names are split at commas outside of brackets") {
  CHECK(take_all("Plus", 1) == std::vector<std::string>{"Plus"});
  CHECK(take_all("Plus, &C::m,Minus", 3) == std::vector<std::string>{"Plus", "&C::m", "Minus"});
  CHECK(take_all("RAY_FUNC(Plus, int, int), Sum<int, 3>, Last", 3) ==
        std::vector<std::string>{"RAY_FUNC(Plus, int, int)", "Sum<int, 3>", "Last"});
}

TEST_CASE("RAY_FUNC picks the overload with exactly the types given") {
  CHECK(RAY_FUNC(overloaded, int)(0) == 1);
  CHECK(RAY_FUNC(overloaded, int, double)(0, 0.0) == 2);
  CHECK(RAY_FUNC(overloaded)() == 0);
  Machine machine;
  CHECK((machine.*RAY_FUNC(&Machine::turn, int))(0) == 1);
  CHECK((machine.*RAY_FUNC(&Machine::turn, double))(0.0) == 2);
}

TEST_CASE("tasks are told from factories and member functions") {
  CHECK(IsTask<decltype(&Machine::spin)>::value);
  CHECK(IsTask<void (*)() noexcept>::value);
  CHECK_FALSE(IsTask<decltype(&Machine::create)>::value);
  CHECK_FALSE(IsTask<int (Machine::*)(int)>::value);
}

TEST_CASE("parameter types are decayed") {
  using Traits = ray::internal::FunctionTraits<const std::string &(*)(int &, const std::string &, double &&)>;
  CHECK(std::is_same_v<Traits::Result, std::string>);
  CHECK(std::is_same_v<Traits::Arguments, std::tuple<int, std::string, double>>);
}
