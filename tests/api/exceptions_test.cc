#include "ray/api/exceptions.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <typeinfo>

namespace {

using mobula::Code;
using namespace ray::internal;

mobula::Status failure(Code code, const std::string &message) {
  auto error = std::make_unique<mobula::Error>();
  error->code = code;
  error->message = message;
  return error;
}

template <typename Exception>
bool throws_exactly(Code code) {
  try {
    throw_unless_ok(failure(code, "the message"));
  } catch (const RayException &exception) {
    return typeid(exception) == typeid(Exception) && exception.what() == std::string("the message") &&
           exception.msg_ == "the message";
  }
  return false;
}

}  // namespace

TEST_CASE("success throws nothing") { CHECK_NOTHROW(throw_unless_ok(nullptr)); }

TEST_CASE("each code has its exception, with the runtime's message unchanged") {
  CHECK(throws_exactly<RayTaskException>(Code::kTaskFailed));
  CHECK(throws_exactly<RayWorkerException>(Code::kWorkerDied));
  CHECK(throws_exactly<RayWorkerException>(Code::kOwnerDied));
  CHECK(throws_exactly<RayTimeoutException>(Code::kTimeout));
  CHECK(throws_exactly<UnreconstructableException>(Code::kObjectLost));
  CHECK(throws_exactly<RayFunctionNotFound>(Code::kFunctionNotFound));
  for (Code code : {Code::kStoreFull, Code::kTooLarge, Code::kNotInitialized, Code::kRayletDied, Code::kInvalidArgument,
                    Code::kLimitReached}) {
    CHECK(throws_exactly<RayException>(code));
  }
}
