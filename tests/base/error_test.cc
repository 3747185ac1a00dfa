#include "base/error.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/file.h"

namespace mobula::base {
namespace {

bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

File open_null() { return File(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST_SUITE("base/error") {
  TEST_CASE("a failure carries its code and its message") {
    const Status status = failure(Code::kStoreFull, "no room");
    REQUIRE(status != nullptr);
    CHECK(status->code == Code::kStoreFull);
    CHECK(status->message == "no room");
  }

  TEST_CASE("a fault of a system call names the call, the reason and the number") {
    std::string said;
    errno = ENOENT;
    try {
      throw_errno("open of the log");
    } catch (const Fault &fault) {
      said = fault.what();
    }
    CHECK(said.find("open of the log") != std::string::npos);
    CHECK(said.find("No such file") != std::string::npos);
    CHECK(said.find("errno 2") != std::string::npos);
  }
}

TEST_SUITE("base/file") {
  TEST_CASE("a file closes its descriptor once, when its last owner ends") {
    int descriptor = -1;
    {
      File first = open_null();
      REQUIRE(first);
      descriptor = first.get();
      File second = std::move(first);
      CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): moved-from means empty here
      CHECK(second.get() == descriptor);
      CHECK(is_open(descriptor));
    }
    CHECK_FALSE(is_open(descriptor));
  }

  TEST_CASE("assigning a file closes what was there before") {
    File first = open_null();
    const int old = first.get();
    first = open_null();
    CHECK(first.get() != old);
    CHECK_FALSE(is_open(old));
  }

  TEST_CASE("a released descriptor stays open") {
    File file = open_null();
    const int descriptor = file.release();
    CHECK_FALSE(file);
    file.reset();
    CHECK(is_open(descriptor));
    close(descriptor);
  }
}

TEST_SUITE("base/clock") {
  TEST_CASE("a negative timeout is no deadline, another one lies ahead") {
    CHECK(deadline_after_ms(-1) == kForever);
    const std::int64_t before_ns = monotonic_ns();
    const std::int64_t deadline_ns = deadline_after_ms(50);
    CHECK(deadline_ns >= before_ns + 50 * kNanosecondsPerMillisecond);
    CHECK(deadline_ns <= monotonic_ns() + 50 * kNanosecondsPerMillisecond);
  }

  TEST_CASE("the coarse clock is on the same time line") {
    const std::int64_t fine_ns = monotonic_ns();
    CHECK(coarse_ns() <= monotonic_ns());
    CHECK(coarse_ns() > fine_ns - kNanosecondsPerSecond);
  }
}

}  // namespace
}  // namespace mobula::base
