#include "tools/markup.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace mobula::tools {
namespace {

constexpr const char *kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Of the character that begins with this byte; 0: none does.
std::size_t bytes_of_character(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

// The character's length, 0 when these bytes are none.
std::size_t character_at(std::string_view text) {
  const std::size_t bytes = bytes_of_character(static_cast<unsigned char>(text[0]));
  if (bytes < 2 || bytes > text.size()) return bytes == 1 ? 1 : 0;
  std::uint32_t code = static_cast<unsigned char>(text[0]) & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte & 0x3f);
  }
  const bool is_too_long = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool is_no_character = (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff || code > 0x10ffff;
  return is_too_long || is_no_character ? 0 : bytes;
}

std::string escape_ascii(char letter) {
  switch (letter) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\n':
    case '\t':
      return {letter};
    default:
      return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? kReplacement : std::string{letter};
  }
}

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t bytes = character_at(text);
    if (bytes == 1)
      escaped += escape_ascii(text[0]);
    else if (bytes == 0)
      escaped += kReplacement;
    else
      escaped += text.substr(0, bytes);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return escaped;
}

std::string coordinate(double value) {
  std::string text = fmt::format("{:.1f}", std::isfinite(value) ? value : 0.0);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

}  // namespace mobula::tools
