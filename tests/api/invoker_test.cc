#include "ray/api/invoker.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using ray::internal::Invocation;
using ray::internal::RayException;

struct Owned {
  std::string data;
  mobula::Format format = 0;
  mobula::Bytes bytes() const { return {reinterpret_cast<const std::byte *>(data.data()), data.size(), format}; }
};

template <typename T>
Owned own(const T &value) {
  ray::internal::PackBuffer buffer;
  const ray::internal::Encoded encoded = ray::internal::encode(value, buffer);
  return {std::string(static_cast<const char *>(encoded.data), encoded.size), encoded.format};
}

// A call whose arguments and result are kept in memory of the test.
class RecordedCall final : public mobula::Call {
 public:
  template <typename... Arguments>
  explicit RecordedCall(const Arguments &...arguments) : arguments_{own(arguments)...} {}

  std::size_t argument_count() const override { return arguments_.size(); }
  mobula::Bytes argument(std::size_t index) const override { return arguments_.at(index).bytes(); }
  mobula::Status set_result(const void *data, std::uint64_t bytes, mobula::Format format, const mobula::Reference *,
                            std::size_t) override {
    result_ = {std::string(static_cast<const char *>(data), bytes), format};
    if (!refuse_) return nullptr;
    auto full = std::make_unique<mobula::Error>();
    full->code = mobula::Code::kStoreFull;
    full->message = "full";
    return full;
  }
  mobula::Reference argument_reference(std::size_t) const override { return {}; }
  mobula::Status set_result(mobula::Draft &&, const mobula::Reference *, std::size_t) override { return nullptr; }
  void *instance() const override { return nullptr; }
  void set_instance(void *, void (*)(void *)) override {}
  void refuse_result() { refuse_ = true; }
  const Owned &result() const { return result_; }

 private:
  std::vector<Owned> arguments_;
  Owned result_;
  bool refuse_ = false;
};

template <typename F>
void run(F function, RecordedCall &call) {
  Invocation<F>::run(&function, call);
}

template <typename T>
T result_of(const RecordedCall &call) {
  return ray::internal::decode<T>(call.result().bytes());
}

int subtract(int left, int right) { return left - right; }
std::string join(const std::string &left, std::string &middle, std::string &&right, const char last) {
  middle += "-";
  return left + middle + std::move(right) + last;
}
std::vector<double> repeat(std::vector<double> values, int times) {
  std::vector<double> all;
  for (int i = 0; i < times; ++i) all.insert(all.end(), values.begin(), values.end());
  return all;
}
int steps = 0;
void step() noexcept { ++steps; }
const std::string &name() {
  static const std::string kName = "static";
  return kName;
}
int fail(int value) { throw std::logic_error("value " + std::to_string(value)); }

}  // namespace

TEST_CASE("arguments arrive in order") {
  RecordedCall call(10, 3);
  run(&subtract, call);
  CHECK(result_of<int>(call) == 7);
}

TEST_CASE("references of every kind bind to the decoded arguments") {
  RecordedCall call(std::string("a"), "b", std::string("c"), 'd');
  run(&join, call);
  CHECK(result_of<std::string>(call) == "ab-cd");
  CHECK(call.result().format == mobula::format_of(mobula::Encoding::kString));
}

TEST_CASE("arguments of another type are converted to the declared one") {
  RecordedCall call(std::vector<int>{1, 2}, 2U);
  run(&repeat, call);
  CHECK(result_of<std::vector<double>>(call) == std::vector<double>{1, 2, 1, 2});
}

TEST_CASE("a function that returns nothing leaves one nil") {
  steps = 0;
  RecordedCall call;
  run(&step, call);
  CHECK(steps == 1);
  CHECK(call.result().data == "\xc0");
  CHECK(call.result().format == 0);
}

TEST_CASE("a reference result is stored by value") {
  RecordedCall call;
  run(&name, call);
  CHECK(result_of<std::string>(call) == "static");
}

TEST_CASE("a wrong number of arguments is named") {
  RecordedCall call(1);
  CHECK_THROWS_WITH_AS(run(&subtract, call), "Arguments number not match: the function takes 2, the task has 1",
                       RayException);
}

TEST_CASE("an argument of the wrong type is named") {
  RecordedCall call(1, std::string("two"));
  CHECK_THROWS_WITH_AS(
      run(&subtract, call),
      "Arguments error: argument 2: Type mismatch: the object's msgpack value is not of the declared type",
      RayException);
}

TEST_CASE("what the function throws passes through unchanged") {
  RecordedCall call(5);
  CHECK_THROWS_WITH_AS(run(&fail, call), "value 5", std::logic_error);
  CHECK(call.result().data.empty());
}

TEST_CASE("a result that cannot be stored throws the runtime's message") {
  RecordedCall call(2, 1);
  call.refuse_result();
  CHECK_THROWS_WITH_AS(run(&subtract, call), "full", RayException);
}
