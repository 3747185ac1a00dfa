#include "tools/listing.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/json_writer.h"

namespace mobula::tools {
namespace {

bool passes(const Filter &filter, const std::string &value) {
  switch (filter.kind) {
    case Filter::Kind::kEqual:
      return value == filter.value;
    case Filter::Kind::kDiffers:
      return value != filter.value;
    case Filter::Kind::kContains:
      break;
  }
  return value.find(filter.value) != std::string::npos;
}

}  // namespace

Status Listing::parse(const std::string &text, Filter *filter, const ListColumn **column) const {
  const std::size_t at = text.find_first_of("=!~");
  const std::string sign = at == std::string::npos ? "" : text.substr(at, text.compare(at, 2, "!=") == 0 ? 2 : 1);
  filter->key = text.substr(0, at);
  filter->kind = sign == "=" ? Filter::Kind::kEqual : sign == "~" ? Filter::Kind::kContains : Filter::Kind::kDiffers;
  const auto found = std::find_if(columns_.begin(), columns_.end(),
                                  [filter](const ListColumn &known) { return known.key == filter->key; });
  if (sign.empty() || sign == "!" || found == columns_.end()) {
    std::vector<std::string> keys;
    for (const ListColumn &known : columns_) keys.push_back(known.key);
    return base::failure(Code::kInvalidArgument,
                         fmt::format("'{}' is no filter: give KEY=VALUE, KEY!=VALUE or KEY~PART, with one of {}", text,
                                     fmt::join(keys, ", ")));
  }
  filter->value = text.substr(at + sign.size());
  *column = &*found;
  return nullptr;
}

Status Listing::filter(const std::vector<std::string> &filters) {
  for (const std::string &text : filters) {
    Filter filter;
    const ListColumn *column = nullptr;
    if (Status status = parse(text, &filter, &column)) return status;
    std::erase_if(rows_, [&](std::size_t row) { return !passes(filter, column->value(row)); });
  }
  return nullptr;
}

std::string Listing::text(std::size_t limit) const {
  std::string text = format_count(rows_.size(), noun_) + "\n";
  if (rows_.empty() || limit == 0) return text;
  std::vector<Table::Column> titles;
  for (const ListColumn &column : columns_) titles.push_back({column.title, column.side});
  Table table(std::move(titles));
  for (std::size_t i = 0; i < rows_.size() && i < limit; ++i) {
    std::vector<std::string> cells;
    for (const ListColumn &column : columns_) {
      std::string cell = column.value(rows_[i]);
      if (cell.empty())
        cell = "-";
      else if (column.shown)
        cell = column.shown(rows_[i]);
      cells.push_back(std::move(cell));
    }
    table.add(std::move(cells));
  }
  text += table.text();
  if (rows_.size() > limit) {
    text += fmt::format("... and {} more (--limit N shows more, --json all)\n", format_count(rows_.size() - limit));
  }
  return text;
}

void Listing::json(const std::string &session, std::ostream &output) const {
  JsonWriter json(output);
  json.begin_object();
  json.key("session").text(session);
  json.line().key(noun_ + "s").begin_list();
  for (const std::size_t row : rows_) {
    json.line().begin_object();
    for (const ListColumn &column : columns_) {
      const std::string value = column.value(row);
      json.key(column.key);
      if (value.empty())
        json.null();
      else if (column.is_number)
        json.raw(value);
      else
        json.text(value);
    }
    json.end_object();
  }
  json.end_list();
  json.end_object();
  json.finish();
}

}  // namespace mobula::tools
