#include "tools/write_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mobula::tools {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/mobula-write-file-XXXXXX";
    path = mkdtemp(name);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
  std::filesystem::path path;
};

std::string content(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_SUITE("tools/write_file") {
  TEST_CASE("a file is made, then replaced as a whole, and nothing lies beside it") {
    const Folder folder;
    const std::string path = folder.path / "figures.prom";
    CHECK(replace_file(path, "long text\n") == nullptr);
    const std::ifstream reader(path);  // of the old file, to its end
    CHECK(replace_file(path, "new\n") == nullptr);
    CHECK(content(path) == "new\n");
    std::stringstream old;
    old << reader.rdbuf();
    CHECK(old.str() == "long text\n");
    CHECK(folder.files() == 1);
    struct stat facts {};
    REQUIRE(stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0400) != 0);
  }

  TEST_CASE("what cannot be written is said with its path, and the old file stays") {
    const Folder folder;
    const std::string nowhere = folder.path / "missing/figures.prom";
    const Status status = replace_file(nowhere, "text");
    REQUIRE(status != nullptr);
    CHECK(status->message == "cannot write " + nowhere + ": No such file or directory");
    const std::string taken = folder.path / "folder";
    std::filesystem::create_directories(taken + "/inside");
    CHECK(replace_file(taken, "text") != nullptr);
    CHECK(folder.files() == 1);
  }
}

}  // namespace mobula::tools
