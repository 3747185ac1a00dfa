#include "ray/api/xlang.h"

#include <doctest/doctest.h>

#include <string>

namespace {

template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const ray::internal::RayException &problem) {
    return problem.what();
  }
  return "";
}

}  // namespace

TEST_CASE("functions of other languages take options, and say at Remote that they run on Ray") {
  auto python = ray::Task(ray::PyFunction<int>{"math_tasks", "add"}).SetName("sum").SetResource("CPU", 1);
  CHECK(
      refusal([&] { python.Remote(1, "two"); }) ==
      "The Python function math_tasks.add runs on Ray: build the program for it (docs/scaling-out.md), or write it in "
      "C++.");
  auto java = ray::Task(ray::JavaFunction<void>{"shop.Till", "open"});
  CHECK(refusal([&] { java.Remote(); }).find("The Java function shop.Till.open runs on Ray") == 0);
}

TEST_CASE("actors of other languages do the same") {
  auto python = ray::Actor(ray::PyActorClass{"shop", "Till"}).SetName("till", "shop").SetMaxRestarts(1);
  CHECK(refusal([&] { python.Remote(1); }).find("The Python actor shop.Till runs on Ray") == 0);
  auto java = ray::Actor(ray::JavaActorClass{"shop.Till"}).SetMaxConcurrency(2).SetName("till");
  CHECK(refusal([&] { java.Remote(); }).find("The Java actor shop.Till runs on Ray") == 0);
  ray::ActorHandleXlang handle;
  CHECK(refusal([&] { handle.Task(ray::PyActorMethod<int>{"close"}).Remote(); }).find("method close runs on Ray") !=
        std::string::npos);
  CHECK(refusal([&] { handle.Task(ray::JavaActorMethod<void>{"close"}).Remote(); }).find("The Java method") == 0);
  CHECK_FALSE(refusal([&] { handle.Kill(); }).empty());
}

TEST_CASE("the classes tell what they are, as Ray's do") {
  CHECK(ray::PyFunction<int>{"module", "f"}.IsPython());
  CHECK(ray::JavaFunction<int>{"Class", "f"}.IsJava());
  CHECK(ray::PyActorClass{"module", "Class"}.function_name == "__init__");
  CHECK(ray::JavaActorClass{"Class"}.function_name == "<init>");
}
