#include "tools/html_table.h"

#include <fmt/format.h>

#include "tools/markup.h"

namespace mobula::tools {
namespace {

const char *class_of(HtmlTable::Side side) {
  if (side == HtmlTable::Side::kRight) return "number";
  return side == HtmlTable::Side::kWord ? "word" : "";
}

std::string text_of(const HtmlTable::Cell &cell, HtmlTable::Side side) {
  std::string classes = class_of(side);
  if (cell.is_bad) classes += " bad";
  if (cell.is_id) classes += " id";
  std::string text = "<td";
  if (!classes.empty()) text += fmt::format(" class=\"{}\"", classes[0] == ' ' ? classes.substr(1) : classes);
  if (!cell.more.empty()) text += fmt::format(" title=\"{}\"", escape_markup(cell.more));
  text += ">";
  if (!cell.color.empty()) text += fmt::format("<span class=\"key {}\"></span>", cell.color);
  return text + escape_markup(cell.text) + "</td>";
}

}  // namespace

std::string HtmlTable::text() const {
  std::string text = "<table>\n<thead><tr>";
  for (const Column &column : columns_) {
    const std::string css_class = class_of(column.side);
    text += fmt::format("<th scope=\"col\"{}>{}</th>", css_class.empty() ? "" : " class=\"" + css_class + "\"",
                        escape_markup(column.title));
  }
  text += "</tr></thead>\n<tbody>\n";
  for (const std::vector<Cell> &cells : rows_) {
    text += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) text += text_of(cells[i], columns_[i].side);
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table>\n";
}

}  // namespace mobula::tools
