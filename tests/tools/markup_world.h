// tools/markup_world.h: looks at pages and drawings that a test made.
#pragma once

#include <string>
#include <vector>

namespace mobula::tools {

// What is wrong with the nesting of the tags; "" when all that are opened are closed, in order. Knows the tags of HTML
// that have no end.
inline std::string nesting_problem(const std::string &text) {
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return "a tag does not end: " + text.substr(at, 40);
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (tag[0] == '!' || tag.back() == '/') continue;
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (name == "meta" || name == "link" || name == "br") continue;
    if (name[0] != '/') {
      open.push_back(name);
    } else {
      if (open.empty() || "/" + open.back() != name)
        return "<" + name + "> closes <" + (open.empty() ? "" : open.back());
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

inline std::size_t count_of(const std::string &text, const std::string &part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

inline bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace mobula::tools
