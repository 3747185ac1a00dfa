#include "tools/sessions.h"

#include <doctest/doctest.h>

using namespace mobula;
using namespace mobula::tools;

namespace {

std::string chosen(const std::string &given, const char *environment, const std::vector<std::string> &running) {
  std::string session;
  const Status status = choose_session(given, environment, running, &session);
  return status == nullptr ? session : "error: " + status->message;
}

}  // namespace

TEST_SUITE("tools/sessions") {
  TEST_CASE("what is given on the command line comes first, then the environment") {
    CHECK(chosen("a", "b", {"c"}) == "a");
    CHECK(chosen("", "b", {"c", "d"}) == "b");
  }
  TEST_CASE("an environment that asks for no session is passed over") {
    CHECK(chosen("", "", {"c"}) == "c");
    CHECK(chosen("", "local", {"c"}) == "c");
    CHECK(session_to_start("", "local") == "default");
  }
  TEST_CASE("without a name the only running session is meant, else the default one") {
    CHECK(chosen("", nullptr, {"c"}) == "c");
    CHECK(chosen("", nullptr, {}) == "default");
    CHECK(chosen("", nullptr, {"a", "default"}) == "default");
  }
  TEST_CASE("a session embedded in a program is never meant by accident") {
    CHECK(chosen("", nullptr, {"embedded-12"}) == "default");
    CHECK(chosen("", nullptr, {"embedded-12", "mine"}) == "mine");
    CHECK(chosen("embedded-12", nullptr, {}) == "embedded-12");
  }
  TEST_CASE("several running sessions are named, none is guessed") {
    const std::string answer = chosen("", nullptr, {"a", "b"});
    CHECK(answer.find("error: several sessions are running (a, b)") == 0);
    CHECK(answer.find("--session") != std::string::npos);
  }
  TEST_CASE("a new session is never named after a running one") {
    CHECK(session_to_start("", nullptr) == "default");
    CHECK(session_to_start("", "b") == "b");
    CHECK(session_to_start("a", "b") == "a");
  }
}
