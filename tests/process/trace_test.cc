// mobula trace: the life of an object from its put to its freeing, across processes and deaths.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "process/session_case.h"
#include "support/child.h"

using namespace mobula::process;
using mobula::support::Child;
using mobula::support::inside_case;
using mobula::support::require;
using mobula::support::run_program;
using mobula::support::RunResult;

namespace {

int length(const std::string &text) { return static_cast<int>(text.size()); }
int die_with(std::vector<ray::ObjectRef<std::string>> texts) {
  ::kill(::getpid(), SIGKILL);
  return static_cast<int>(texts.size());
}
RAY_REMOTE(length, die_with);

RunResult trace(std::vector<std::string> more) {
  std::vector<std::string> command{program("MOBULA_COMMAND"), "trace", "--session", own_session()};
  command.insert(command.end(), more.begin(), more.end());
  auto options = inside_case();
  options.report = false;  // its words are what the case looks at
  return run_program(command, options);
}

nlohmann::json events_of(const std::string &object) {
  const RunResult run = trace({"--json", "--object", object});
  require(run.ok, run.reason + run.errors);
  return nlohmann::json::parse(run.output)["events"];
}

std::vector<std::string> names_in(const nlohmann::json &events) {
  std::vector<std::string> names;
  for (const nlohmann::json &event : events) names.push_back(event["event"]);
  return names;
}

bool has(const std::vector<std::string> &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

mobula::support::RunOptions with_log(const std::string &places, const std::string &stacks = "0") {
  return small_session(30'000, {{"MOBULA_REF_LOG", places}, {"MOBULA_STACKS", stacks}});
}

}  // namespace

TEST_SUITE("process/trace") {
  TEST_CASE("an object's life is told from its put to its freeing, with the workers that had it") {
    CHECK(in_session(with_log("10000"), [] {
      std::string id;
      {
        const auto text = ray::Put(std::string(100'000, 'x'));
        id = hex(text.ID());
        ray::Task(length).Remote(text).Get();
      }
      CHECK(eventually([&] { return has(names_in(events_of(id)), "freed"); }));
      const nlohmann::json events = events_of(id);
      CHECK(events.front()["event"] == "created");
      CHECK(events.front()["pid"] == ::getpid());
      CHECK(contains(events.front()["site"], "trace_test.cc:"));
      CHECK(contains(events.front()["process"], "driver: "));
      CHECK(events.back()["event"] == "freed");
      CHECK(events.back()["process"] == "raylet");
      CHECK(has(names_in(events), "sealed"));
      CHECK(has(names_in(events), "released"));
      double before = 0;
      for (const nlohmann::json &event : events) {
        CHECK(event["seconds"].get<double>() >= before);
        before = event["seconds"].get<double>();
      }
      const RunResult text = trace({"--object", id});
      CHECK(contains(text.output, "Object " + id + ": "));
      CHECK(contains(text.output, "created"));
      CHECK_FALSE(contains(text.output, "not among what is kept"));
    }));
  }

  TEST_CASE("what was given back for a worker that died names it") {
    CHECK(in_session(with_log("10000"), [] {
      const auto text = ray::Put(std::string(100'000, 'x'));
      CHECK_THROWS(ray::Task(die_with).Remote(std::vector{text}).Get());
      const RunResult run = trace({});
      CHECK(contains(run.output, "reaped from "));
      CHECK(contains(run.output, "worker, ended"));
    }));
  }

  TEST_CASE("of a small log it is told what was overwritten; --last and --pid choose") {
    CHECK(in_session(with_log("64"), [] {
      for (int i = 0; i < 200; ++i) ray::Put(i);
      const RunResult run = trace({"--last", "3", "--pid", std::to_string(::getpid())});
      CHECK(contains(run.output, "the newest 64 are kept"));
      CHECK_FALSE(contains(run.output, " 0 overwritten"));
      CHECK(std::count(run.output.begin(), run.output.end(), '\n') == 5);
    }));
  }

  TEST_CASE("with MOBULA_STACKS the functions on the stack are named, when addr2line is there") {
    if (::access("/usr/bin/addr2line", X_OK) != 0) return;
    CHECK(in_session(with_log("10000", "1"), [] {
      const auto text = ray::Put(std::string(100'000, 'x'));
      const nlohmann::json events = events_of(hex(text.ID()));
      const std::string site = events.front()["site"];
      CHECK(contains(site, "in_session"));
      CHECK_FALSE(contains(site, "ray::internal::"));
    }));
  }

  TEST_CASE("without a log it is said how to switch it on; strange ids are refused") {
    CHECK(in_session([] {
      const RunResult run = trace({});
      CHECK(run.exit_code == 1);
      CHECK(contains(run.errors, "--ref-log"));
      CHECK(contains(run.errors, "MOBULA_REF_LOG"));
    }));
    CHECK(in_session(with_log("64"), [] {
      CHECK(trace({"--object", "zz"}).exit_code == 1);
      CHECK(trace({"--object", std::string(30, '0')}).exit_code == 1);
    }));
  }

  TEST_CASE("--follow goes on with what comes, and ends in order") {
    CHECK(in_session(with_log("1000"), [] {
      ray::Put(1);
      Child follower(
          {program("MOBULA_COMMAND"), "trace", "--session", own_session(), "--json", "--follow", "--last", "1"});
      follower.read_line();  // what was there
      const auto text = ray::Put(std::string(100'000, 'x'));
      const std::string id = hex(text.ID());
      nlohmann::json event;
      while (event.is_null() || event["object"] != id) event = nlohmann::json::parse(follower.read_line());
      CHECK(event["event"] == "created");
      follower.send_signal(SIGINT);
      CHECK(follower.wait().exit_code == 0);
    }));
  }

  TEST_CASE("a raylet that was stopped by a signal is traced all the same") {
    CHECK(in_session(with_log("1000"), [] {
      const auto text = ray::Put(std::string(100'000, 'x'));
      const pid_t raylet = raylet_of(own_session());
      ::kill(raylet, SIGSTOP);
      const RunResult run = trace({"--object", hex(text.ID())});
      ::kill(raylet, SIGCONT);
      CHECK(run.ok);
      CHECK(contains(run.output, "sealed"));
    }));
  }
}
