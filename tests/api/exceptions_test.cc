#include "ray/api/exceptions.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeinfo>

#include "mobula/errors.h"

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
  CHECK(throws_exactly<RayActorException>(Code::kActorDied));
  CHECK(throws_exactly<RayActorUnavailableException>(Code::kActorUnavailable));
  CHECK(throws_exactly<RayCancelledException>(Code::kCancelled));
  CHECK(throws_exactly<RayDeadlineException>(Code::kDeadlineOver));
  CHECK(throws_exactly<RayOutOfMemoryException>(Code::kOutOfMemory));
  CHECK(throws_exactly<RayStoreFullException>(Code::kStoreFull));
  CHECK(throws_exactly<RayStoreFullException>(Code::kTooLarge));
  CHECK(throws_exactly<RayUnschedulableException>(Code::kUnschedulable));
  CHECK(throws_exactly<RayDeadlockException>(Code::kDeadlock));
  for (Code code : {Code::kNotInitialized, Code::kRayletDied, Code::kInvalidArgument, Code::kLimitReached}) {
    CHECK(throws_exactly<RayException>(code));
  }
}

TEST_CASE("an actor that is being restarted can be caught as an actor's failure, a cancelled task not as a timeout") {
  CHECK(std::is_base_of_v<RayActorException, RayActorUnavailableException>);
  CHECK_FALSE(std::is_base_of_v<RayTimeoutException, RayCancelledException>);
  CHECK_FALSE(std::is_base_of_v<RayTimeoutException, RayDeadlineException>);
  CHECK(std::is_base_of_v<std::exception, RayException>);
}

TEST_CASE("an exception keeps the whole error, and its copies share it") {
  mobula::Error wanted;
  wanted.code = Code::kWorkerDied;
  wanted.message = "the message";
  wanted.function = "divide";
  wanted.task = "the third one";
  wanted.pid = 4711;
  wanted.signal = 9;
  wanted.started_ns = 5;
  wanted.failed_ns = 6;
  wanted.causes.resize(2);
  wanted.causes[1].type = "std::range_error";
  try {
    throw_error(mobula::Error(wanted));
  } catch (const std::exception &exception) {
    const mobula::Error *const error = mobula::error_of(exception);
    REQUIRE(error != nullptr);
    CHECK(error->code == Code::kWorkerDied);
    CHECK(error->message == "the message");
    CHECK(error->function == "divide");
    CHECK(error->task == "the third one");
    CHECK(error->pid == 4711);
    CHECK(error->signal == 9);
    CHECK(error->started_ns == 5);
    CHECK(error->failed_ns == 6);
    REQUIRE(error->causes.size() == 2);
    CHECK(error->causes[1].type == "std::range_error");
    const RayWorkerException copy = dynamic_cast<const RayWorkerException &>(exception);
    CHECK(&copy.error() == error);
  }
}

TEST_CASE("an exception made of a text has the code of its class, and others have no error") {
  CHECK(mobula::error_of(RayTaskException("a text"))->code == Code::kTaskFailed);
  CHECK(mobula::error_of(RayActorUnavailableException("a text"))->code == Code::kActorUnavailable);
  CHECK(mobula::error_of(RayRuntimeEnvException("a text"))->message == "a text");
  CHECK(mobula::error_of(RayException("a text"))->code == Code::kInvalidArgument);
  CHECK(mobula::error_of(std::runtime_error("a text")) == nullptr);
}
