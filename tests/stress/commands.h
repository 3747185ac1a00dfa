// stress/commands.h: the lines of a harness, and the answers to them.
//   Threads    the driver's only one
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>

namespace mix {

// Lines of stdin. By hand: what a stream has read ahead could not be polled for.
class Commands {
 public:
  bool waits() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return text_.find('\n') != std::string::npos || poll(&input, 1, 0) > 0;
  }

  // The next line; "quit" at the end of the input.
  std::string next() {
    for (;;) {
      const std::size_t end = text_.find('\n');
      if (end != std::string::npos) {
        const std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      char buffer[256];
      const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
      if (got <= 0) return "quit";
      text_.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  std::string text_;
};

inline void answer(const std::string &line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace mix
