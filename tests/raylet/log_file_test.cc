#include "raylet/log_file.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mobula::raylet {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/mobula-log-file-XXXXXX";
    path = mkdtemp(name);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

std::string last_line(const std::string &path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) last = line;
  return last;
}

}  // namespace

TEST_SUITE("raylet/log_file") {
  TEST_CASE("a log keeps its newest lines in three files of a bounded size") {
    const Folder folder;
    const std::string path = folder.path / "raylet.log";
    const auto log = open_log(path, "info");
    const std::string word(200, 'x');
    for (int i = 0; i < 40'000; ++i) log->info("{} line {}", word, i);
    std::uintmax_t bytes = 0;
    std::size_t files = 0;
    for (const auto &file : std::filesystem::directory_iterator(folder.path)) {
      bytes += file.file_size();
      ++files;
    }
    CHECK(files == 1 + kOlderLogsMax);
    CHECK(bytes <= files * kLogBytesMax);
    CHECK(bytes > 2 * kLogBytesMax);
    CHECK(last_line(path).ends_with(" line 39999"));
  }

  TEST_CASE("a line is in the file when it was logged, and none below the level") {
    const Folder folder;
    const std::string path = folder.path / "raylet.log";
    const auto log = open_log(path, "warning");
    log->info("too low");
    CHECK(std::filesystem::file_size(path) == 0);
    log->warn("loud enough");
    CHECK(last_line(path).ends_with("[raylet] [warning] loud enough"));
  }
}

}  // namespace mobula::raylet
