// golden/golden.h: files of bytes and facts that must not change unnoticed. MOBULA_ACCEPT=1 rewrites them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace mobula::golden {

inline std::filesystem::path path_of(const std::string &name) {
  const char *const source = std::getenv("MOBULA_SOURCE_DIR");
  if (source == nullptr) throw std::runtime_error("MOBULA_SOURCE_DIR must name the source folder");
  return std::filesystem::path(source) / "tests/golden" / name;
}

inline bool is_accepting() {
  const char *const accept = std::getenv("MOBULA_ACCEPT");
  return accept != nullptr && std::string(accept) == "1";
}

// The stored content; `now` is stored first when the new state is accepted.
inline std::string stored(const std::string &name, const std::string &now) {
  if (is_accepting()) std::ofstream(path_of(name), std::ios::binary) << now;
  std::ifstream file(path_of(name), std::ios::binary);
  if (!file) throw std::runtime_error("no golden file " + path_of(name).string() + ": run with MOBULA_ACCEPT=1");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace mobula::golden
