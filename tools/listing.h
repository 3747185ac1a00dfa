// tools/listing.h: rows of one kind, with what is asked of them: filters, a limit, a table or JSON. Pure.
//   Threads    thread-bound
//   Cost       a cell is made when it is printed or filtered by
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "tools/table.h"

namespace mobula::tools {

struct ListColumn {
  std::string key;    // in JSON and in filters
  std::string title;  // in the table
  Table::Side side = Table::Side::kLeft;
  bool is_number = false;
  std::function<std::string(std::size_t row)> value;  // "" when unknown
  std::function<std::string(std::size_t row)> shown;  // to people; empty: as the value
};

// "key=value", "key!=value", "key~part".
struct Filter {
  enum class Kind { kEqual, kDiffers, kContains };
  std::string key;
  Kind kind = Kind::kEqual;
  std::string value;
};

class Listing {
 public:
  Listing(std::string noun, std::size_t rows, std::vector<ListColumn> columns)
      : noun_(std::move(noun)), columns_(std::move(columns)) {
    for (std::size_t row = 0; row < rows; ++row) rows_.push_back(row);
  }
  // Drops the rows that do not pass. kInvalidArgument names the keys that there are.
  Status filter(const std::vector<std::string> &filters);
  // "2 tasks", then a table.
  std::string text(std::size_t limit) const;
  // {"session", noun: [{key: value}]}; unknown values are null.
  void json(const std::string &session, std::ostream &output) const;

 private:
  Status parse(const std::string &text, Filter *filter, const ListColumn **column) const;

  std::string noun_;  // in the singular
  std::vector<ListColumn> columns_;
  std::vector<std::size_t> rows_;
};

}  // namespace mobula::tools
