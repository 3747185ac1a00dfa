#include "raylet/http_request.h"

#include <fmt/format.h>

namespace mobula::raylet {
namespace {

constexpr std::string_view kPage = "/metrics";

std::string_view next_word(std::string_view *line) {
  const std::size_t end = std::min(line->find(' '), line->size());
  const std::string_view word = line->substr(0, end);
  line->remove_prefix(std::min(end + 1, line->size()));
  return word;
}

std::string page(std::string_view status, std::string_view more, std::string_view type, std::string_view text) {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     more, type, text.size(), text);
}

std::string refusal(std::string_view status, std::string_view more = "") {
  return page(status, more, "text/plain", fmt::format("{}\n", status));
}

}  // namespace

Asked read_request(std::string_view received) {
  const std::size_t line_end = received.find("\r\n");
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string_view::npos) return received.size() < kRequestBytesMax ? Asked::kUnfinished : Asked::kTooMuch;
  if (end > kRequestBytesMax) return Asked::kTooMuch;
  std::string_view line = received.substr(0, line_end);
  const std::string_view method = next_word(&line);
  const std::string_view target = next_word(&line);
  if (method.empty() || target.empty() || target[0] != '/' || !line.starts_with("HTTP/1.")) return Asked::kNonsense;
  if (target.substr(0, target.find('?')) != kPage) return Asked::kOtherPage;
  return method == "GET" ? Asked::kMetrics : Asked::kOtherMethod;
}

std::string answer_to(Asked asked, std::string_view text) {
  switch (asked) {
    case Asked::kMetrics:
      return page("200 OK", "", "text/plain; version=0.0.4; charset=utf-8", text);
    case Asked::kOtherPage:
      return refusal("404 Not Found");
    case Asked::kOtherMethod:
      return refusal("405 Method Not Allowed", "Allow: GET\r\n");
    case Asked::kTooMuch:
      return refusal("431 Request Header Fields Too Large");
    default:
      return refusal("400 Bad Request");
  }
}

}  // namespace mobula::raylet
