#include "segment/sites.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "segment/test_segment.h"

namespace mobula::segment {
namespace {

SiteText line_of(std::string_view file, std::uint32_t line, std::string_view function) {
  return {SiteKind::kLine, line, file, function};
}

TEST_CASE("a site that is interned by one process is read by another, and has one number for all") {
  const auto segment = create_segment();
  const auto other = attach_again(*segment);
  const std::uint32_t number = intern_site(*segment, line_of("train.cpp", 88, "make_batch"));
  REQUIRE(number != 0);
  CHECK(intern_site(*other, line_of("train.cpp", 88, "make_batch")) == number);
  CHECK(intern_site(*other, line_of("train.cpp", 89, "make_batch")) != number);
  CHECK(describe(read_site(*other, number)) == "train.cpp:88 make_batch()");
}

TEST_CASE("arguments and tasks are sites, too") {
  const auto segment = create_segment();
  CHECK(describe(read_site(*segment, intern_site(*segment, {SiteKind::kArgument, 2, "", "resize"}))) ==
        "argument 2 of resize");
  CHECK(describe(read_site(*segment, intern_site(*segment, {SiteKind::kTask, 0, "", "resize"}))) == "in resize");
}

TEST_CASE("of a long path the end is kept, of a long function name the beginning") {
  const auto segment = create_segment();
  const std::string file = std::string(500, 'd') + "/end.cc";
  const std::string function = "begin" + std::string(500, 'x');
  const SiteCopy site = read_site(*segment, intern_site(*segment, line_of(file, 7, function)));
  CHECK(site.file == file.substr(file.size() - kSiteFileBytesMax));
  CHECK(site.function == function.substr(0, kSiteFunctionBytesMax));
}

TEST_CASE("a process that dies between claiming a place and writing its text loses nothing") {
  const auto segment = create_segment();
  const SiteText site = line_of("train.cpp", 88, "make_batch");
  const std::uint32_t number = intern_site(*segment, site);
  Site &place = segment->site(number - 1);
  place.about.store(0);
  for (Word &word : place.text) word.store(0);
  CHECK(describe(read_site(*segment, number)) == "");
  CHECK(intern_site(*segment, site) == number);
  CHECK(describe(read_site(*segment, number)) == "train.cpp:88 make_batch()");
}

TEST_CASE("a full table gives no number, and keeps what it has") {
  const auto segment = create_segment();
  const std::uint32_t first = intern_site(*segment, line_of("first.cc", 1, "f"));
  std::uint32_t given = 0;
  for (std::uint32_t line = 1; line <= 2 * base::kSitesMax; ++line) {
    given += intern_site(*segment, line_of("many.cc", line, "f")) != 0;
  }
  CHECK(given < base::kSitesMax);
  CHECK(given > base::kSitesMax * 9 / 10);
  CHECK(intern_site(*segment, line_of("first.cc", 1, "f")) == first);
  CHECK(describe(read_site(*segment, first)) == "first.cc:1 f()");
}

TEST_CASE("a number or a record that is damaged is an unknown site, and its text cannot harm a terminal") {
  const auto segment = create_segment();
  CHECK(read_site(*segment, 0).kind == SiteKind::kNone);
  CHECK(read_site(*segment, base::kSitesMax + 1).kind == SiteKind::kNone);
  CHECK(read_site(*segment, 0xffffffff).kind == SiteKind::kNone);
  const std::uint32_t number = intern_site(*segment, line_of("a\x1b[2J.cc", 1, "f\n"));
  CHECK(describe(read_site(*segment, number)) == "a?[2J.cc:1 f?()");
  segment->site(number - 1).about.store(~0ull);
  CHECK(read_site(*segment, number).kind == SiteKind::kNone);
}

TEST_CASE("many threads that intern the same sites agree on their numbers") {
  const auto segment = create_segment();
  constexpr std::uint32_t kLines = 500;
  std::vector<std::vector<std::uint32_t>> numbers(4, std::vector<std::uint32_t>(kLines));
  {
    std::vector<std::jthread> threads;
    for (auto &own : numbers) {
      threads.emplace_back([&segment, &own] {
        for (std::uint32_t line = 0; line < kLines; ++line) {
          own[line] = intern_site(*segment, line_of("shared.cc", line, "f"));
        }
      });
    }
  }
  for (const auto &own : numbers) CHECK(own == numbers[0]);
  for (std::uint32_t line = 0; line < kLines; ++line) {
    CHECK(read_site(*segment, numbers[0][line]).line == line);
  }
}

}  // namespace
}  // namespace mobula::segment
