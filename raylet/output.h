// raylet/output.h: brings what workers print to the terminal of the driver whose task they run, with their pid.
//   Threads    thread-bound (the raylet's loop); never blocks: a terminal that takes nothing loses lines, counted
//   Errors     none
//   Cost       one read and one write per burst of lines
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "raylet/asio.h"

namespace mobula::raylet {

constexpr std::size_t kLineBytesMax = 64u << 10;  // a longer line is broken

// Where lines go: a second, non-blocking description of the driver's file where the kernel gives one.
class OutputTarget {
 public:
  explicit OutputTarget(base::File file);
  // Writes the text, or drops and counts it when the other side takes nothing.
  void write(const std::string &text);

 private:
  base::File file_;
  bool is_socket_ = false;
  std::uint64_t dropped_lines_ = 0;
};

// One pipe of one worker. Lives until the pipe ends or it is destroyed.
class OutputPipe : public std::enable_shared_from_this<OutputPipe> {
 public:
  // The target for the lines that come now; may be null.
  using Target = std::function<OutputTarget *()>;

  OutputPipe(asio::io_context &loop, base::File pipe, pid_t pid, Target target);
  void start();
  // Reads what is still there; called when the worker has died.
  void finish();

 private:
  bool read_some();
  void write_lines(bool last);

  asio::posix::stream_descriptor pipe_;
  const std::string prefix_;
  Target target_;
  std::string pending_;
};

}  // namespace mobula::raylet
