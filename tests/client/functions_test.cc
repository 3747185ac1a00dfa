#include "client/functions.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "tasks/task_spec.h"

namespace mobula::client {
namespace {

int plus_one(int x) { return x + 1; }
int plus_two(int x) { return x + 2; }
struct Counter {
  int next(int x) const { return x; }
};
void run_nothing(const void *, Call &) {}
void run_another(const void *target, Call &) { static_cast<void>(*static_cast<const char *>(target)); }

using Plain = int (*)(int);
using Member = int (Counter::*)(int) const;

TEST_SUITE("client/functions") {
  TEST_CASE("a function is found by its pointer and by the number of its name") {
    Functions functions;
    const Plain target = plus_one;
    functions.add("plus_one", &target, sizeof target, run_nothing);
    const std::uint64_t number = functions.number_of(&target, sizeof target, run_nothing);
    CHECK(number == tasks::function_number("plus_one"));
    const Function *const found = functions.find(number);
    REQUIRE(found != nullptr);
    CHECK(found->name == "plus_one");
    CHECK((found->invoker == run_nothing));
    Plain stored = nullptr;
    std::memcpy(&stored, found->target.data(), sizeof stored);
    CHECK((stored == target));
    CHECK(functions.names() == std::vector<std::string>{"plus_one"});
  }

  TEST_CASE("what was never registered has no number") {
    const Functions functions;
    const Plain target = plus_one;
    CHECK(functions.number_of(&target, sizeof target, run_nothing) == 0);
    CHECK(functions.find(12345) == nullptr);
    CHECK(functions.names().empty());
    CHECK_FALSE(functions.conflict().has_value());
  }

  TEST_CASE("the same pair twice is one function and no conflict") {
    Functions functions;
    const Plain target = plus_one;
    for (int i = 0; i < 3; ++i) functions.add("plus_one", &target, sizeof target, run_nothing);
    CHECK(functions.names().size() == 1);
    CHECK_FALSE(functions.conflict().has_value());
  }

  TEST_CASE("one name for two functions is reported, the first one stays") {
    Functions functions;
    const Plain first = plus_one;
    const Plain second = plus_two;
    functions.add("plus", &first, sizeof first, run_nothing);
    functions.add("plus", &second, sizeof second, run_nothing);
    functions.add("other", &second, sizeof second, run_nothing);
    CHECK(functions.conflict() == "plus");
    Plain stored = nullptr;
    std::memcpy(&stored, functions.find(tasks::function_number("plus"))->target.data(), sizeof stored);
    CHECK((stored == first));
  }

  TEST_CASE("two names for one function both work") {
    Functions functions;
    const Plain target = plus_one;
    functions.add("one", &target, sizeof target, run_nothing);
    functions.add("two", &target, sizeof target, run_nothing);
    CHECK_FALSE(functions.conflict().has_value());
    CHECK(functions.number_of(&target, sizeof target, run_nothing) == tasks::function_number("one"));
    CHECK(functions.find(tasks::function_number("two")) != nullptr);
  }

  TEST_CASE("member functions have pointers of 16 bytes, nothing has larger ones") {
    Functions functions;
    const Member target = &Counter::next;
    static_assert(sizeof target == kTargetBytesMax);
    functions.add("next", &target, sizeof target, run_nothing);
    CHECK(functions.number_of(&target, sizeof target, run_nothing) == tasks::function_number("next"));
    const std::byte large[kTargetBytesMax + 8] = {};
    CHECK_THROWS_AS(functions.add("large", large, sizeof large, run_nothing), base::Fault);
  }

  TEST_CASE(
      "pointers of the same bytes, as those to virtual members of two classes, are told apart by their invokers") {
    Functions functions;
    const Plain target = plus_one;
    functions.add("of one class", &target, sizeof target, run_nothing);
    functions.add("of another", &target, sizeof target, run_another);
    CHECK(functions.number_of(&target, sizeof target, run_nothing) == tasks::function_number("of one class"));
    CHECK(functions.number_of(&target, sizeof target, run_another) == tasks::function_number("of another"));
  }

  TEST_CASE("there is one registry in a process") { CHECK(&Functions::instance() == &Functions::instance()); }
}

}  // namespace
}  // namespace mobula::client
