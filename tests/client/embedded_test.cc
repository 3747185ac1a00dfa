#include "client/embedded.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mobula::client {
namespace {

using Words = std::vector<std::string>;

// Sets a variable of the environment, empty = none, and puts the old value back.
class Variable {
 public:
  Variable(const char *name, const std::string &value) : name_(name) {
    if (const char *const before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_); }

 private:
  void set(const std::string &value) const {
    if (value.empty())
      unsetenv(name_);
    else
      setenv(name_, value.c_str(), 1);
  }
  const char *const name_;
  std::string before_;
};

struct Parsed {
  Status status;
  EmbeddedOptions options;
};

Parsed parse(const Words &head_args, const std::string &workers = "", const std::string &memory = "") {
  const Variable workers_variable("MOBULA_WORKERS", workers);
  const Variable memory_variable("MOBULA_MEMORY", memory);
  Parsed parsed;
  parsed.status = embedded_options(head_args, {}, &parsed.options);
  return parsed;
}

bool says(const Status &status, const std::string &part) {
  return status != nullptr && status->code == Code::kInvalidArgument && status->message.find(part) != std::string::npos;
}

TEST_SUITE("client/embedded") {
  TEST_CASE("GPUs and other resources are passed on, or refused by name") {
    const Parsed parsed = parse({"--num-gpus=2", "--resources", "{\"x\": 1}"});
    REQUIRE(parsed.status == nullptr);
    CHECK(parsed.options.gpus == 2);
    CHECK(parsed.options.resources == "{\"x\": 1}");
    CHECK(says(parse({"--num-gpus", "65"}).status, "--num-gpus"));
    CHECK(says(parse({"--num-gpus"}).status, "--num-gpus"));
    CHECK(says(parse({"--resources", "x"}).status, "--resources"));
    CHECK(says(parse({"--resources={\"CPU\": 1}"}).status, "CPU"));
  }

  TEST_CASE("without any word the defaults hold") {
    const Parsed parsed = parse({});
    REQUIRE(parsed.status == nullptr);
    CHECK(parsed.options.workers == 0);
    CHECK(parsed.options.memory_bytes == base::kCapacityBytesDefault);
    CHECK(parsed.options.libraries.empty());
  }

  TEST_CASE("head arguments are read with a space or an equals sign, others are passed over") {
    for (const Words &words : {Words{"--num-cpus", "3", "--object-store-memory", "1e8"},
                               Words{"--num-gpus", "1", "--num-cpus=3", "--object-store-memory=100000000", "-v"}}) {
      const Parsed parsed = parse(words);
      REQUIRE(parsed.status == nullptr);
      CHECK(parsed.options.workers == 3);
      CHECK(parsed.options.memory_bytes == 100'000'000);
    }
  }

  TEST_CASE("a longer name with the same beginning is another argument") {
    const Parsed parsed = parse({"--num-cpus-per-task", "3", "--num-cpus-more=4"});
    REQUIRE(parsed.status == nullptr);
    CHECK(parsed.options.workers == 0);
  }

  TEST_CASE("the environment counts, and head arguments count more") {
    const Parsed parsed = parse({}, "5", "64MiB");
    REQUIRE(parsed.status == nullptr);
    CHECK(parsed.options.workers == 5);
    CHECK(parsed.options.memory_bytes == 64ull << 20);
    const Parsed both = parse({"--num-cpus=2"}, "5", "64MiB");
    REQUIRE(both.status == nullptr);
    CHECK(both.options.workers == 2);
    CHECK(both.options.memory_bytes == 64ull << 20);
  }

  TEST_CASE("a bad value is refused with its name and its text") {
    for (const std::string &bad : {"0", "-1", "two", "2.5", "1025", "99999999999", "3 ", "+3"}) {
      CAPTURE(bad);
      CHECK(says(parse({"--num-cpus", bad}).status, "--num-cpus"));
      CHECK(says(parse({"--num-cpus=" + bad}).status, "'" + bad + "'"));
      CHECK(says(parse({}, bad).status, "MOBULA_WORKERS"));
    }
    for (const std::string &bad : {"much", "-5", "1 XB", "1e99"}) {
      CAPTURE(bad);
      CHECK(says(parse({"--object-store-memory", bad}).status, "--object-store-memory"));
      CHECK(says(parse({}, "", bad).status, "MOBULA_MEMORY"));
      CHECK(says(parse({}, "", bad).status, "'" + bad + "'"));
    }
    CHECK(says(parse({"--num-cpus="}).status, "''"));
  }

  TEST_CASE("a search path names libraries, or folders of them") {
    char name[] = "/tmp/embedded-test-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    const std::string folder = name;
    for (const char *file : {"/one.so", "/two.so", "/notes.txt"}) std::ofstream(folder + file) << "x";
    EmbeddedOptions options;
    const Variable workers("MOBULA_WORKERS", "");
    const Variable memory("MOBULA_MEMORY", "");
    REQUIRE(embedded_options({}, {folder, "lib/mine.so"}, &options) == nullptr);
    std::sort(options.libraries.begin(), options.libraries.end());
    CHECK(options.libraries == Words{folder + "/one.so", folder + "/two.so", "lib/mine.so"});
    std::filesystem::remove_all(folder);
  }

  TEST_CASE("the raylet's program can be named by the environment") {
    const Variable given("MOBULA_RAYLET", "/opt/own/raylet");
    CHECK(raylet_program() == "/opt/own/raylet");
  }
}

}  // namespace
}  // namespace mobula::client
