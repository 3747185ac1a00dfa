// The parts of examples/wordcount that need no session: the rule at the edges of slices, the plan, the merge.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../examples/wordcount/files.h"
#include "../../examples/wordcount/sequential.h"

namespace {

using namespace wordcount;

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wordcount-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  std::string write(const std::string &name, const std::string &text) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  const std::filesystem::path &path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::map<std::string, std::uint64_t> counts_of(const Tally &tally) {
  std::map<std::string, std::uint64_t> counts;
  for (EntryReader reader(tally.entries); !reader.at_end(); reader.next()) {
    counts.emplace(reader.entry().word, reader.entry().count);
  }
  return counts;
}

Tally count_in_chunks(const std::vector<File> &files, std::uint64_t chunk_bytes) {
  Tally sum;
  for (const Chunk &chunk : plan_chunks(files, chunk_bytes)) sum = merge_tallies(sum, count_chunk(chunk.slices));
  return sum;
}

std::string random_text(std::mt19937 &random, std::size_t bytes) {
  static const std::string kBytes("aabbB_9 \n-\xc3\xa9\0", 13);
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text.push_back(kBytes[random() % kBytes.size()]);
  return text;
}

}  // namespace

TEST_SUITE("examples/wordcount") {
  TEST_CASE("a word that crosses slices counts once, in the slice where it begins") {
    const Folder folder;
    const std::string path = folder.write("text", "one three_3 five");
    CHECK(counts_of(count_chunk({{path, 0, 6}})) == std::map<std::string, std::uint64_t>{{"one", 1}, {"three_3", 1}});
    CHECK(counts_of(count_chunk({{path, 6, 6}})).empty());
    CHECK(counts_of(count_chunk({{path, 6, 7}})) == std::map<std::string, std::uint64_t>{{"five", 1}});
    CHECK(counts_of(count_chunk({{path, 4, 1}})) == std::map<std::string, std::uint64_t>{{"three_3", 1}});
  }

  TEST_CASE("every chunk size gives the sequential count") {
    const Folder folder;
    std::mt19937 random(20260131);
    for (int i = 0; i < 5; ++i)
      folder.write("sub" + std::to_string(i % 2) + "/" + std::to_string(i), random_text(random, 60));
    folder.write("empty", "");
    const Listing listing = list_files(folder.path());
    REQUIRE(listing.files.size() == 6);
    const SequentialCount sequential = count_sequentially(listing.files);
    REQUIRE(sequential.words > 20);
    for (std::uint64_t chunk_bytes = 1; chunk_bytes <= 301; ++chunk_bytes) {
      CAPTURE(chunk_bytes);
      CHECK(compare(count_in_chunks(listing.files, chunk_bytes), sequential).empty());
    }
  }

  TEST_CASE("a word longer than several reads past the end of a slice stays whole") {
    const Folder folder;
    for (const std::uint64_t length : {kReadOnBytes - 1, kReadOnBytes, kReadOnBytes + 1, 3 * kReadOnBytes}) {
      CAPTURE(length);
      const std::string word(length, 'w');
      const std::string path = folder.write("text", "." + word + " end");
      CHECK(counts_of(count_chunk({{path, 0, 2}})) == std::map<std::string, std::uint64_t>{{word, 1}});
      CHECK(counts_of(count_chunk({{path, 2, 1}})).empty());
    }
  }

  TEST_CASE("many distinct words are all found again") {
    const Folder folder;
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += "w" + std::to_string(i) + (i % 7 == 0 ? " w1 " : " ");
    folder.write("text", text);
    const Listing listing = list_files(folder.path());
    const Tally tally = count_in_chunks(listing.files, 1 << 20);
    CHECK(tally.distinct_words == 50'000);
    CHECK(compare(tally, count_sequentially(listing.files)).empty());
    REQUIRE(most_frequent(tally, 1).size() == 1);
    CHECK(most_frequent(tally, 1)[0].word == "w1");
  }

  TEST_CASE("a file that is not there is noted once and not counted") {
    const Folder folder;
    const std::string path = folder.write("text", "here");
    const std::string missing = (folder.path() / "missing").string();
    const Tally left = count_chunk({{missing, 0, 4}, {missing, 4, 4}, {path, 0, 4}});
    const Tally tally = merge_tallies(left, count_chunk({{missing, 8, 4}}));
    REQUIRE(tally.unreadable.size() == 1);
    CHECK(tally.unreadable[0] == missing + ": No such file or directory");
    CHECK(tally.files == 1);
    CHECK(tally.bytes == 4);
  }

  TEST_CASE("the comparison names what differs") {
    const Folder folder;
    const std::string path = folder.write("text", "a a b");
    Tally tally = count_chunk({{path, 0, 5}});
    const SequentialCount sequential = count_sequentially({{path, 5}});
    CHECK(compare(tally, sequential).empty());
    ++tally.words;
    CHECK(compare(tally, sequential) == std::vector<std::string>{"words: 4 in parallel, 3 sequentially"});
    CHECK(compare(count_chunk({{path, 0, 2}}), sequential).size() == 5);
  }

  TEST_CASE("the plan covers each byte once and limits the slices of a chunk") {
    const std::vector<File> files(2 * kSlicesPerChunkMax + 1, File{"/tiny", 1});
    CHECK(plan_chunks(files, 1 << 20).size() == 3);
    const std::vector<Chunk> chunks = plan_chunks({{"/a", 3}, {"/b", 0}, {"/c", 10}}, 4);
    REQUIRE(chunks.size() == 4);
    std::uint64_t bytes = 0;
    for (const Chunk &chunk : chunks) bytes += chunk.bytes;
    CHECK(bytes == 13);
    CHECK(chunks[1].slices[0].offset == 1);
    CHECK(plan_chunks({}, 4).empty());
  }

  TEST_CASE("entries that are cut off are refused") {
    Tally tally;
    append_entry({"word", 300}, tally);
    for (std::size_t bytes = 1; bytes < tally.entries.size(); ++bytes) {
      CHECK_THROWS_AS(EntryReader(std::string_view(tally.entries).substr(0, bytes)), std::runtime_error);
    }
  }

  TEST_CASE("symbolic links are left alone") {
    const Folder folder;
    folder.write("real/text", "once");
    std::filesystem::create_symlink(folder.path() / "real/text", folder.path() / "link");
    std::filesystem::create_directory_symlink(folder.path(), folder.path() / "real/loop");
    CHECK(list_files(folder.path()).files.size() == 1);
  }
}
