// tools/html_table.h: a table of texts as HTML. Pure.
//   Errors     every text is escaped
#pragma once

#include <string>
#include <vector>

namespace mobula::tools {

class HtmlTable {
 public:
  enum class Side { kLeft, kRight, kWord };  // kWord: to the left, on one line
  struct Column {
    std::string title;
    Side side = Side::kLeft;
  };
  struct Cell {
    std::string text;
    std::string more = {};   // shown when the pointer rests on it
    std::string color = {};  // class of a small square before the text
    bool is_bad = false;
    bool is_id = false;
  };

  explicit HtmlTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // REQUIRES: as many cells as columns.
  void add(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace mobula::tools
