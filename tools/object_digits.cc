#include "tools/object_digits.h"

#include <charconv>

namespace mobula::tools {

std::optional<std::string> id_of_digits(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string id;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned char byte = 0;
    const char *const end = digits.data() + i + 2;
    const auto [stop, error] = std::from_chars(digits.data() + i, end, byte, 16);
    if (error != std::errc() || stop != end) return std::nullopt;
    id.push_back(static_cast<char>(byte));
  }
  return id;
}

}  // namespace mobula::tools
