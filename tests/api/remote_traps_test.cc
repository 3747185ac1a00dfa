// RAY_REMOTE where programs stumble: on the same line of two files, and in a header. Its other half is
// remote_traps_second_test.cc.
#include <doctest/doctest.h>

#include "api/remote_in_header.h"
#include "ray/api/function_manager.h"

namespace {

int first_file() { return 1; }

}  // namespace

// clang-format off
#line 1000
RAY_REMOTE(first_file);
// clang-format on

namespace traps {

std::uint64_t number_in_first_file() { return ray::internal::find_function(first_file); }
std::uint64_t shared_number_in_first_file() { return ray::internal::find_function(shared_by_files); }

}  // namespace traps

TEST_CASE("the macro on the same line of two files registers both functions") {
  CHECK(traps::number_in_first_file() != 0);
  CHECK(traps::number_in_second_file() != 0);
  CHECK(traps::number_in_first_file() != traps::number_in_second_file());
}

TEST_CASE("the macro in a header that two files include registers one function") {
  CHECK(traps::shared_number_in_first_file() == traps::shared_number_in_second_file());
}

TEST_CASE("a function that nobody registered is refused by name of the macro") {
  int (*const unknown)(int, int, int) = [](int, int, int) { return 0; };
  CHECK_THROWS_WITH_AS(ray::internal::find_function(unknown),
                       "Function not found. Please use RAY_REMOTE to register this function.",
                       ray::internal::RayException);
}

TEST_CASE("registering by hand counts once, and says when it was done before") {
  int (*const by_hand)(int, int) = [](int a, int b) { return a - b; };
  auto &functions = ray::internal::FunctionManager::Instance();
  CHECK(functions.RegisterRemoteFunction("by_hand", by_hand));
  CHECK(ray::internal::find_function(by_hand) != 0);
  CHECK_THROWS_WITH_AS(functions.RegisterRemoteFunction("by_hand", by_hand), "Duplicate RAY_REMOTE function: by_hand",
                       ray::internal::RayException);
  CHECK_THROWS_AS(functions.RegisterRemoteFunction("first_file", first_file), ray::internal::RayException);
}

TEST_CASE("a registered function has the name that the macro saw, and is found by it") {
  auto &functions = ray::internal::FunctionManager::Instance();
  CHECK(functions.GetFunctionName(first_file) == "first_file");
  CHECK(functions.GetFunctionName(traps::shared_by_files) == "shared_by_files");
  CHECK((functions.GetFunction("first_file") != nullptr));
  CHECK((functions.GetFunction("no_file") == nullptr));
  CHECK((functions.GetMemberFunction("&No::method") == nullptr));
}

TEST_CASE("the class of a factory is read off its name") {
  using ray::internal::FunctionManager;
  CHECK(FunctionManager::GetClassNameByFuncName("Thing::Create") == "Thing");
  CHECK(FunctionManager::GetClassNameByFuncName("shop::Till::open") == "shop::Till");
  CHECK(FunctionManager::GetClassNameByFuncName("RAY_FUNC(Thing::Create, std::string)") == "Thing");
  CHECK(FunctionManager::GetClassNameByFuncName("RAY_FUNC(create)").empty());
  CHECK(FunctionManager::GetClassNameByFuncName("plus").empty());
  CHECK(FunctionManager::GetClassNameByFuncName("").empty());
}
