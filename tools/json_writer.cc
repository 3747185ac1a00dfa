#include "tools/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mobula::tools {
namespace {

bool is_plain(char character) { return character >= ' ' && character < 0x7f && character != '"' && character != '\\'; }

}  // namespace

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

JsonWriter &JsonWriter::line() {
  needs_line_ = true;
  return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
  word(name);
  append(": ");
  needs_comma_ = false;
  return *this;
}

void JsonWriter::text(std::string_view value) {
  if (std::all_of(value.begin(), value.end(), is_plain))
    word(value);
  else
    raw(json_text(value));
}

void JsonWriter::word(std::string_view value) {
  *separate(1) = '"';
  ++at_;
  append(value);
  append("\"");
  needs_comma_ = true;
}

void JsonWriter::raw(std::string_view json) {
  separate(0);
  append(json);
  needs_comma_ = true;
}

void JsonWriter::number(std::uint64_t value) {
  const fmt::format_int digits(value);
  raw({digits.data(), digits.size()});
}

void JsonWriter::signed_number(std::int64_t value) {
  const fmt::format_int digits(value);
  raw({digits.data(), digits.size()});
}

void JsonWriter::append(std::string_view text) {
  if (room() < text.size()) flush();
  if (text.size() > kBufferBytes) {
    output_.write(text.data(), static_cast<std::streamsize>(text.size()));
    return;
  }
  std::memcpy(at_, text.data(), text.size());
  at_ += text.size();
}

void JsonWriter::open(char bracket) {
  *separate(1) = bracket;
  ++at_;
}

void JsonWriter::close(char bracket) {
  needs_comma_ = false;
  *separate(1) = bracket;
  ++at_;
  needs_comma_ = true;
}

void JsonWriter::finish() { append("\n"); }

void JsonWriter::flush() {
  output_.write(buffer_.get(), at_ - buffer_.get());
  at_ = buffer_.get();
}

}  // namespace mobula::tools
