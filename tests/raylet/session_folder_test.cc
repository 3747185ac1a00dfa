#include "raylet/session_folder.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace mobula::raylet {
namespace {

constexpr int kRounds = 300;
constexpr int kStarters = 4;

// A folder of sessions for this test alone.
class RuntimeFolder {
 public:
  RuntimeFolder() {
    std::string name = "/tmp/session-folder-XXXXXX";
    path_ = mkdtemp(name.data());
    setenv("XDG_RUNTIME_DIR", path_.c_str(), 1);
  }
  ~RuntimeFolder() {
    unsetenv("XDG_RUNTIME_DIR");
    std::filesystem::remove_all(path_);
  }
  RuntimeFolder(const RuntimeFolder &) = delete;
  RuntimeFolder &operator=(const RuntimeFolder &) = delete;

 private:
  std::string path_;
};

// Begins and ends sessions of its own name, beside others that do so and sweep.
std::string start_again_and_again(int starter) {
  for (int round = 0; round < kRounds; ++round) {
    std::unique_ptr<SessionFolder> folder;
    if (const Status status = SessionFolder::create("starter-" + std::to_string(starter), &folder))
      return status->message;
  }
  return "";
}

TEST_CASE("sessions that start at the same time do not take each other for a running session") {
  const RuntimeFolder runtime;
  std::array<std::string, kStarters> errors;
  {
    std::array<std::jthread, kStarters> starters;
    for (int i = 0; i < kStarters; ++i) {
      starters[i] = std::jthread([&errors, i] { errors[i] = start_again_and_again(i); });
    }
  }
  for (const std::string &error : errors) CHECK(error == "");
}

}  // namespace
}  // namespace mobula::raylet
