#include "tools/command_top.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/units.h"
#include "tools/signal_inbox.h"
#include "tools/top.h"

namespace mobula::tools {
namespace {

constexpr std::int64_t kEveryMsMin = 50;
constexpr std::int64_t kEveryMsMax = 24ll * 3600 * 1000;

struct Words {
  std::string every = "1s";
  std::uint64_t count = 0;  // 0: without end
};

std::string check_every(const std::string &text) {
  const std::optional<std::int64_t> every_ms = base::parse_duration_ms(text);
  if (every_ms && *every_ms >= kEveryMsMin && *every_ms <= kEveryMsMax) return "";
  return "'" + text + "' is no time between 50ms and 1d";
}

// The other screen, without a cursor, for the length of a scope.
class Screen {
 public:
  explicit Screen(std::ostream &output) : output_(output) { output_ << "\x1b[?1049h\x1b[?25l" << std::flush; }
  Screen(const Screen &) = delete;
  Screen &operator=(const Screen &) = delete;
  // What was shown last stays.
  ~Screen() { output_ << "\x1b[?25h\x1b[?1049l" << last_ << std::flush; }

  void show(std::string text) {
    last_ = std::move(text);
    winsize size{};
    const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 && size.ws_row != 0;
    output_ << terminal_frame(last_, is_known ? size.ws_col : 80, is_known ? size.ws_row : 24) << std::flush;
  }

 private:
  std::ostream &output_;
  std::string last_;
};

// Until a signal, the session's end, or so many looks. True: the session has ended.
bool watch(const Look &look, const Words &words, bool json, std::ostream &output) {
  const std::int64_t every_ns = *base::parse_duration_ms(words.every) * base::kNanosecondsPerMillisecond;
  const TopTitle title{look.session, look.raylet_pid};
  SignalInbox signals;
  std::optional<Screen> screen;
  if (!json && words.count != 1 && isatty(STDOUT_FILENO) != 0) screen.emplace(output);
  const base::File raylet(static_cast<int>(syscall(SYS_pidfd_open, look.raylet_pid, 0)));
  TopLook before = take_top_look(*look.segment, base::monotonic_ns());
  for (std::uint64_t shown = 0; words.count == 0 || shown < words.count; ++shown) {
    signals.wait_until(base::monotonic_ns() + every_ns, raylet.get());
    if (signals.take()) return false;
    if (!raylet || is_readable(raylet.get())) return true;
    TopLook now = take_top_look(*look.segment, base::monotonic_ns());
    if (json) {
      output << top_json(title, before, now).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
             << std::endl;
    } else if (screen) {
      screen->show(top_text(title, before, now));
    } else {
      output << (shown == 0 ? "" : "\n") << top_text(title, before, now) << std::flush;
    }
    before = std::move(now);
  }
  return false;
}

Status run(const Choice &choice, const Words &words, std::ostream &output) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  if (watch(look, words, choice.json, output) && !choice.json)
    output << fmt::format("Session {} has ended.\n", look.session);
  return nullptr;
}

}  // namespace

Command add_top(CLI::App &app, Choice *choice) {
  CLI::App *const command = add_command(
      app, "top", "Show bytes, references, what each process runs, and the largest call sites, live", choice);
  const auto words = std::make_shared<Words>();
  command->add_option("--every", words->every, "Time between two looks, which is also what rates are of, such as 500ms")
      ->check(CLI::Validator(check_every, "TIME"))
      ->capture_default_str();
  command->add_option("--count", words->count, "End after so many; 1 prints one block (default: go on until Ctrl-C)");
  return {command, [choice, words](std::ostream &output, int *) { return run(*choice, *words, output); }};
}

}  // namespace mobula::tools
