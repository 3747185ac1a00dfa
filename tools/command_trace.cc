#include "tools/command_trace.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "refs/object_id.h"
#include "tools/object_digits.h"
#include "tools/signal_inbox.h"
#include "tools/trace.h"

namespace mobula::tools {
namespace {

constexpr int kJsonIndent = 2;
constexpr std::int64_t kFollowNs = 200 * base::kNanosecondsPerMillisecond;

struct Words {
  std::string object;
  std::optional<std::uint32_t> pid;
  std::optional<std::size_t> last;
  bool follow = false;
};

Status no_log(const std::string &session) {
  return base::failure(
      Code::kInvalidArgument,
      fmt::format(
          "session '{}' keeps no reference log. It is switched on when a session starts: mobula start --ref-log "
          "100000, or MOBULA_REF_LOG=100000 in the environment of the program (64 bytes for each event)",
          session));
}

Status read_object(const Look &look, const std::string &digits, TraceChoice *choice) {
  if (digits.empty()) return nullptr;
  const std::optional<std::string> id = id_of_digits(digits);
  choice->object = id ? refs::decode_id(look.segment->header().epoch, *id) : std::optional<refs::ObjectName>();
  if (choice->object) return nullptr;
  return base::failure(
      Code::kInvalidArgument,
      fmt::format("'{}' is no object id of session {}: give one as `mobula memory` lists it", digits, look.session));
}

void print(const Trace &trace, bool json, bool with_object, std::ostream &output) {
  for (const TraceLine &line : trace.lines) {
    output << (json ? trace_line_json(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                    : trace_line(line, with_object));
  }
  output << std::flush;
}

// What comes from now on, until a signal or the session's end.
void follow(const Look &look, TraceChoice choice, bool json, std::uint64_t printed, std::ostream &output) {
  choice.last.reset();
  SignalInbox signals;
  const base::File raylet(static_cast<int>(syscall(SYS_pidfd_open, look.raylet_pid, 0)));
  for (bool has_ended = false; !has_ended && !signals.take();) {
    has_ended = !raylet || is_readable(raylet.get());  // before the look: what it wrote last is printed, too
    if (look.segment->header().log_events.load() != printed) {
      const Trace trace = read_trace(*look.segment, look.raylet_pid, choice, printed);
      printed = trace.events;
      print(trace, json, !choice.object, output);
    }
    if (!has_ended) signals.wait_until(base::monotonic_ns() + kFollowNs, raylet.get());
  }
}

Status run(const Choice &choice, const Words &words, std::ostream &output) {
  Look look;
  if (Status status = look_at(choice, &look)) return status;
  if (look.segment->log_records() == 0) return no_log(look.session);
  TraceChoice wanted;
  wanted.pid = words.pid;
  wanted.last = words.last;
  if (Status status = read_object(look, words.object, &wanted)) return status;
  Trace trace = read_trace(*look.segment, look.raylet_pid, wanted);
  trace.session = look.session;
  if (choice.json && !words.follow) {
    output << trace_json(trace).dump(kJsonIndent, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return nullptr;
  }
  if (!choice.json) output << trace_head(trace, wanted) << trace_titles(!wanted.object);
  print(trace, choice.json, !wanted.object, output);
  if (words.follow) follow(look, wanted, choice.json, trace.events, output);
  return nullptr;
}

}  // namespace

Command add_trace(CLI::App &app, Choice *choice) {
  CLI::App *const command = add_command(
      app, "trace", "Print the reference log: what was done to which object, by whom, where and when", choice);
  const auto words = std::make_shared<Words>();
  command->add_option("--object", words->object, "Of one object: its id, as `mobula memory` lists it");
  command->add_option("--pid", words->pid, "What one process did, or what was done for its death");
  command->add_option("--last", words->last, "Only the newest so many of these");
  command->add_flag("--follow", words->follow,
                    "Go on with what comes, until Ctrl-C or the session's end; one line of JSON "
                    "for each event with --json");
  return {command, [choice, words](std::ostream &output, int *) { return run(*choice, *words, output); }};
}

}  // namespace mobula::tools
