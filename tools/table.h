// tools/table.h: rows of words in aligned columns, for people. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mobula::tools {

class Table {
 public:
  enum class Side { kLeft, kRight };
  struct Column {
    std::string title;
    Side side = Side::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // REQUIRES: as many cells as columns.
  void add(std::vector<std::string> cells);
  // Titles, then rows, each line indented by so many spaces, without spaces at its end.
  std::string text(std::size_t indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// 1234567 -> "1,234,567".
std::string format_count(std::uint64_t count);
// "1 object", "2 objects".
std::string format_count(std::uint64_t count, const std::string &noun);
// "250 ms", "4.2 s", "3 min", "5.5 h".
std::string format_age(std::int64_t age_ms);

}  // namespace mobula::tools
