// wordcount/options.h: the command line.
//   Errors     UsageError, whose text is for the user
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace wordcount {

inline constexpr std::string_view kUsage =
    R"(Usage: wordcount DIR [--top N] [--chunk-bytes N] [--verify] [--json]

Counts the words in all regular files below DIR, in parallel. A word is a run of ASCII letters, digits and underscores;
symbolic links are not followed. The files must not change meanwhile.

  --top N           how many of the most frequent words are shown, default 10
  --chunk-bytes N   how many bytes one task reads, default 4194304
  --verify          count again, sequentially in this process, and compare everything
  --json            print one JSON object instead of text
  --help            print this

Without RAY_ADDRESS the program starts a session of its own; with RAY_ADDRESS=NAME it attaches to the session NAME.
Exit status: 0 counted (and identical), 1 failed or different, 2 wrong arguments.
)";

struct Options {
  std::string directory;
  std::uint64_t top = 10;
  std::uint64_t chunk_bytes = 4 << 20;  // a few ms of work: far more than a task costs, and small next to the store
  bool verify = false;
  bool json = false;
  bool help = false;
  std::vector<char *> engine_arguments;  // the program's name and the engine's flags
};

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline std::uint64_t parse_number(std::string_view name, const char *text, std::uint64_t smallest) {
  if (text == nullptr) throw UsageError(std::string(name) + " needs a number");
  std::uint64_t value = 0;
  const char *end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stopped != end || value < smallest) {
    throw UsageError(std::string(name) + " needs a number of at least " + std::to_string(smallest) + ", not '" + text +
                     "'");
  }
  return value;
}

// Flags of the engine (--ray_NAME=VALUE) are for ray::Init, which on Ray ends the program at any other flag.
inline bool is_engine_flag(std::string_view argument) { return argument.substr(0, 6) == "--ray_"; }

inline Options parse_options(int argc, char **argv) {
  Options options;
  options.engine_arguments.push_back(argv[0]);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--top") {
      options.top = parse_number(argument, argv[++i], 0);
    } else if (argument == "--chunk-bytes") {
      options.chunk_bytes = parse_number(argument, argv[++i], 1);
    } else if (argument == "--verify") {
      options.verify = true;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--help" || argument == "-h") {
      options.help = true;
      return options;
    } else if (is_engine_flag(argument)) {
      options.engine_arguments.push_back(argv[i]);
    } else if (argument.size() > 1 && argument.front() == '-') {
      throw UsageError("unknown option " + std::string(argument));
    } else if (!options.directory.empty()) {
      throw UsageError("one DIR only, not also " + std::string(argument));
    } else {
      options.directory = argument;
    }
  }
  if (options.directory.empty()) throw UsageError("DIR is missing");
  return options;
}

}  // namespace wordcount
