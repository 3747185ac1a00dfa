#include "tools/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace mobula::tools {
namespace {

constexpr const char *kGap = "  ";
constexpr double kSecondMs = 1000;
constexpr double kMinuteMs = 60 * kSecondMs;
constexpr double kHourMs = 60 * kMinuteMs;

void drop_spaces_at_end(std::string *line) { line->erase(line->find_last_not_of(' ') + 1); }

}  // namespace

void Table::add(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) throw std::logic_error("a row needs one cell for each column");
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::size_t indent) const {
  std::vector<std::string> titles;
  for (const Column &column : columns_) titles.push_back(column.title);
  std::vector<const std::vector<std::string> *> lines{&titles};
  for (const auto &row : rows_) lines.push_back(&row);
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto *cells : lines) {
    for (std::size_t i = 0; i < cells->size(); ++i) widths[i] = std::max(widths[i], (*cells)[i].size());
  }
  std::string text;
  for (const auto *cells : lines) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells->size(); ++i) {
      if (i != 0) line += kGap;
      line += columns_[i].side == Side::kRight ? fmt::format("{:>{}}", (*cells)[i], widths[i])
                                               : fmt::format("{:<{}}", (*cells)[i], widths[i]);
    }
    drop_spaces_at_end(&line);
    text += line + "\n";
  }
  return text;
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string format_count(std::uint64_t count, const std::string &noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string format_age(std::int64_t age_ms) {
  const auto value = static_cast<double>(std::max<std::int64_t>(age_ms, 0));
  if (value < kSecondMs) return fmt::format("{:.0f} ms", value);
  if (value < kMinuteMs) return fmt::format("{:.1f} s", value / kSecondMs);
  if (value < kHourMs) return fmt::format("{:.1f} min", value / kMinuteMs);
  return fmt::format("{:.1f} h", value / kHourMs);
}

}  // namespace mobula::tools
