#include "tasks/resources_text.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

namespace mobula::tasks {
namespace {

// Reads along a flat JSON object. Names with escapes are not understood.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool take(char wanted) {
    skip_space();
    const bool there = !text_.empty() && text_.front() == wanted;
    if (there) text_.remove_prefix(1);
    return there;
  }
  std::optional<std::string> take_name() {
    if (!take('"')) return std::nullopt;
    const std::size_t end = text_.find_first_of("\"\\");
    if (end == std::string_view::npos || text_[end] != '"') return std::nullopt;
    std::string name(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return name;
  }
  std::optional<double> take_number() {
    skip_space();
    double number = 0;
    const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
    if (code != std::errc()) return std::nullopt;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return number;
  }
  bool is_at_end() {
    skip_space();
    return text_.empty();
  }

 private:
  void skip_space() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front())) != 0) text_.remove_prefix(1);
  }
  std::string_view text_;
};

std::optional<std::vector<std::pair<std::string, double>>> read_object(std::string_view json) {
  std::vector<std::pair<std::string, double>> named;
  Reader reader(json);
  if (!reader.take('{')) return std::nullopt;
  if (!reader.take('}')) {
    do {
      const std::optional<std::string> name = reader.take_name();
      if (!name || !reader.take(':')) return std::nullopt;
      const std::optional<double> number = reader.take_number();
      if (!number) return std::nullopt;
      named.emplace_back(*name, *number);
    } while (reader.take(','));
    if (!reader.take('}')) return std::nullopt;
  }
  if (!reader.is_at_end()) return std::nullopt;
  return named;
}

}  // namespace

std::optional<Quantities> parse_resources(std::string_view json, std::string *why) {
  if (json.empty()) return Quantities{};
  const auto named = read_object(json);
  if (!named) *why = fmt::format("'{}' is no JSON object of numbers, such as {{\"name\": 1}}", json);
  if (!named) return std::nullopt;
  for (const auto &[name, quantity] : *named) {
    if (name != kCpu && name != kGpu) continue;
    *why = fmt::format("{} has an option of its own", name);
    return std::nullopt;
  }
  return read_quantities(*named, why);
}

Quantities session_resources(std::uint32_t cpus, std::uint32_t gpus, Quantities others) {
  others[std::string(kCpu)] = std::int64_t{cpus} * kUnitsPerOne;
  if (gpus > 0) others[std::string(kGpu)] = std::int64_t{gpus} * kUnitsPerOne;
  return others;
}

}  // namespace mobula::tasks
