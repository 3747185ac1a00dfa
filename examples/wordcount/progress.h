// wordcount/progress.h: one line on a terminal that is drawn over and over. On anything else it stays silent.
//   Threads    one object belongs to one thread
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace wordcount {

class ProgressBar {
 public:
  explicit ProgressBar(std::uint64_t bytes_total) : bytes_total_(bytes_total), shown_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }
  ProgressBar(const ProgressBar &) = delete;
  ProgressBar &operator=(const ProgressBar &) = delete;

  void add(std::uint64_t bytes) {
    bytes_done_ += bytes;
    const Clock::time_point now = Clock::now();
    if (!shown_ || (drawn_ && bytes_done_ < bytes_total_ && now - drawn_at_ < kRedraw)) return;
    drawn_at_ = now;
    draw(std::chrono::duration<double>(now - started_).count());
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kRedraw{50};
  static constexpr std::size_t kColumns = 40;

  void draw(double seconds) {
    const double share = bytes_total_ == 0 ? 1.0 : static_cast<double>(bytes_done_) / static_cast<double>(bytes_total_);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(kColumns));
    const std::string bar = std::string(filled, '#') + std::string(kColumns - filled, '.');
    const double megabytes = static_cast<double>(bytes_done_) / 1e6;
    std::fprintf(stderr, "\r[%s] %3.0f %%  %.0f MB  %.0f MB/s\033[K", bar.c_str(), share * 100, megabytes,
                 seconds > 0 ? megabytes / seconds : 0.0);
    std::fflush(stderr);
    drawn_ = true;
  }

  const std::uint64_t bytes_total_;
  const bool shown_;
  const Clock::time_point started_ = Clock::now();
  std::uint64_t bytes_done_ = 0;
  bool drawn_ = false;
  Clock::time_point drawn_at_;
};

}  // namespace wordcount
