#include "tools/json_writer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace mobula::tools {
namespace {

constexpr std::size_t kWrittenAtOnce = 64 << 10;

}  // namespace

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonWriter::separate() {
  if (needs_comma_) buffer_ += needs_line_ ? "," : ", ";
  if (needs_line_) buffer_ += '\n';
  needs_comma_ = needs_line_ = false;
}

JsonWriter &JsonWriter::line() {
  needs_line_ = true;
  return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
  separate();
  buffer_ += '"';
  buffer_ += name;
  buffer_ += "\": ";
  return *this;
}

void JsonWriter::word(std::string_view value) {
  separate();
  buffer_ += '"';
  buffer_ += value;
  buffer_ += '"';
  needs_comma_ = true;
}

void JsonWriter::raw(std::string_view json) {
  separate();
  buffer_ += json;
  needs_comma_ = true;
  if (buffer_.size() >= kWrittenAtOnce) flush();
}

void JsonWriter::number(std::uint64_t value) {
  const fmt::format_int digits(value);
  raw({digits.data(), digits.size()});
}

void JsonWriter::signed_number(std::int64_t value) {
  const fmt::format_int digits(value);
  raw({digits.data(), digits.size()});
}

void JsonWriter::open(char bracket) {
  separate();
  buffer_ += bracket;
}

void JsonWriter::close(char bracket) {
  if (needs_line_) buffer_ += '\n';
  needs_line_ = false;
  buffer_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::finish() { buffer_ += '\n'; }

void JsonWriter::flush() {
  output_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
}

}  // namespace mobula::tools
