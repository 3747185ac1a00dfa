#include "raylet/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mobula::raylet {
namespace {

constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::size_t kReadsAtEndMax = 8;

}  // namespace

OutputTarget::OutputTarget(base::File file) : file_(std::move(file)) {
  struct stat facts {};
  is_socket_ = fstat(file_.get(), &facts) == 0 && S_ISSOCK(facts.st_mode);
  // A regular file never blocks, and its position must stay shared with the driver's own writes.
  if (is_socket_ || S_ISREG(facts.st_mode)) return;
  // O_NONBLOCK on the driver's own description would change the driver's, so open another.
  const std::string path = fmt::format("/proc/self/fd/{}", file_.get());
  base::File own(open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  file_ = std::move(own);  // none: its lines are lost, but we never block
}

void OutputTarget::write(const std::string &text) {
  std::string whole;
  if (dropped_lines_ != 0)
    whole = fmt::format("(mobula: {} writes of workers were lost: nobody read them)\n", dropped_lines_);
  whole += text;
  const ssize_t written = is_socket_ ? ::send(file_.get(), whole.data(), whole.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                     : ::write(file_.get(), whole.data(), whole.size());
  if (written < static_cast<ssize_t>(whole.size()))
    ++dropped_lines_;
  else
    dropped_lines_ = 0;
}

OutputPipe::OutputPipe(asio::io_context &loop, base::File pipe, pid_t pid, Target target)
    : pipe_(loop, pipe.release()), prefix_(fmt::format("(pid={}) ", pid)), target_(std::move(target)) {
  fcntl(pipe_.native_handle(), F_SETFL, O_NONBLOCK);
}

void OutputPipe::start() {
  pipe_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const ErrorCode &error) {
    if (!error && self->read_some()) self->start();
  });
}

// False at the end of the pipe.
bool OutputPipe::read_some() {
  std::array<char, kReadBytes> buffer;
  const ssize_t got = read(pipe_.native_handle(), buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  pending_.append(buffer.data(), static_cast<std::size_t>(got));
  write_lines(got == 0);
  return got > 0;
}

void OutputPipe::finish() {
  std::array<char, kReadBytes> buffer;
  // No more than a pipe holds: children of the dead worker may go on writing.
  for (std::size_t reads = 0; reads < kReadsAtEndMax; ++reads) {
    const ssize_t got = read(pipe_.native_handle(), buffer.data(), buffer.size());
    if (got <= 0) break;
    pending_.append(buffer.data(), static_cast<std::size_t>(got));
    write_lines(false);
  }
  write_lines(true);
  ErrorCode ignored;
  pipe_.close(ignored);
}

void OutputPipe::write_lines(bool last) {
  std::string text;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = pending_.find('\n', begin);
    if (end == std::string::npos && pending_.size() - begin < kLineBytesMax && !(last && begin < pending_.size()))
      break;
    const std::size_t length =
        std::min(end == std::string::npos ? pending_.size() - begin : end - begin, kLineBytesMax);
    text += prefix_ + pending_.substr(begin, length) + "\n";
    begin += length + (end == begin + length ? 1 : 0);
  }
  pending_.erase(0, begin);
  OutputTarget *const target = text.empty() ? nullptr : target_();
  if (target != nullptr) target->write(text);
}

}  // namespace mobula::raylet
