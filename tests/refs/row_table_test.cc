#include "refs/row_table.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "base/error.h"

namespace mobula::refs {
namespace {

TEST_SUITE("refs/row_table") {
  TEST_CASE("without a chunk there is no row") {
    RowTable table;
    CHECK(table.allocate() == RowTable::kNone);
    CHECK(table.in_use() == 0);
  }

  TEST_CASE("each chunk has twice the rows of the one before, and every row is another one") {
    std::vector<std::vector<segment::Row>> chunks;
    RowTable table;
    std::set<const segment::Row *> seen;
    std::uint32_t rows = 0;
    for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
      CHECK(rows_before_chunk(chunk) == rows);
      chunks.emplace_back(rows_in_chunk(chunk));
      table.add_chunk(chunks.back().data());
      for (std::uint32_t i = 0; i < rows_in_chunk(chunk); ++i) {
        const std::uint32_t number = table.allocate();
        REQUIRE(number == rows++);
        REQUIRE(&table.row(number) == &chunks[chunk][i]);
        seen.insert(&table.row(number));
      }
      CHECK(table.allocate() == RowTable::kNone);
    }
    CHECK(seen.size() == 7 * base::kRowsPerFirstChunk);
    CHECK(table.chunks() == 3);
    CHECK(table.in_use() == seen.size());
  }

  TEST_CASE("a released row goes out again") {
    std::vector<segment::Row> rows(base::kRowsPerFirstChunk);
    RowTable table;
    table.add_chunk(rows.data());
    const std::uint32_t first = table.allocate();
    const std::uint32_t second = table.allocate();
    table.release(first);
    CHECK(table.in_use() == 1);
    CHECK(table.allocate() == first);
    CHECK(second != first);
  }

  TEST_CASE("all chunks together have a row for every entry, and one chunk more is our own mistake") {
    CHECK(rows_before_chunk(base::kRowChunksMax) >= base::kEntriesMax);
    RowTable table;
    segment::Row row{};
    for (std::uint32_t i = 0; i < base::kRowChunksMax; ++i) table.add_chunk(&row);
    CHECK_THROWS_AS(table.add_chunk(&row), base::Fault);
  }
}

}  // namespace
}  // namespace mobula::refs
