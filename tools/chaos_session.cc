#include "tools/chaos_session.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tools/control.h"
#include "tools/doctor.h"
#include "tools/processes.h"

namespace mobula::tools {
namespace {

constexpr int kRoundsMax = 100;  // of killing descendants: each may leave further ones
constexpr int kZombiesMax = 1000;

// True when it is still that process of the session: a number may have gone to another process meanwhile.
bool is_still(const segment::Segment &segment, const ClientFacts &client) {
  const segment::ClientSlot &slot = segment.client(client.client);
  return slot.generation.load() == client.generation && slot.reaping.load() == 0;
}

bool is_wanted(const ClientFacts &client, StrikeKind kind) {
  const auto wanted = kind == StrikeKind::kKillDriver ? segment::ClientKind::kDriver : segment::ClientKind::kWorker;
  return is_in_session(client) && client.kind == wanted;
}

}  // namespace

ChaosSession::~ChaosSession() {
  if (name_.empty()) return;
  kill_others();
  if (raylet_pid_ != 0) stop();
}

Status ChaosSession::start(const StartOptions &options) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) base::throw_errno("PR_SET_CHILD_SUBREAPER");
  name_ = options.session;
  if (Status status = start_raylet(options)) return status;
  Control control;
  if (Status status = Control::connect(name_, &control)) return status;
  raylet_pid_ = control.raylet_pid();
  raylet_ = base::File(static_cast<int>(syscall(SYS_pidfd_open, raylet_pid_, 0)));
  if (!raylet_) base::throw_errno("pidfd_open of the raylet");
  return open_segment_of(raylet_pid_, &segment_);
}

std::optional<base::File> ChaosSession::choose(const Strike &strike) const {
  std::vector<ClientFacts> candidates;
  for (const ClientFacts &client : read_clients(*segment_)) {
    if (is_wanted(client, strike.kind)) candidates.push_back(client);
  }
  if (candidates.empty()) return std::nullopt;
  std::sort(candidates.begin(), candidates.end(),
            [](const ClientFacts &a, const ClientFacts &b) { return a.pid < b.pid; });
  const ClientFacts &victim = candidates[strike.choice % candidates.size()];
  base::File process(static_cast<int>(syscall(SYS_pidfd_open, victim.pid, 0)));
  // The pid is the client's own word: nobody but descendants is touched.
  const bool is_ours = process && is_still(*segment_, victim) &&
                       descends_from(static_cast<int>(victim.pid), getpid()) &&
                       static_cast<int>(victim.pid) != raylet_pid_ && static_cast<int>(victim.pid) != getpid();
  return is_ours ? std::optional(std::move(process)) : std::nullopt;
}

void ChaosSession::kill_others() {
  for (int round = 0; round < kRoundsMax; ++round) {
    bool found = false;
    for (const int child : children_of(getpid())) {
      if (child == raylet_pid_) continue;
      found = true;
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    if (!found) return;
  }
}

void ChaosSession::collect_orphans(int spared) const {
  for (int count = 0; count < kZombiesMax; ++count) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    if (info.si_pid == spared || info.si_pid == raylet_pid_) return;
    waitpid(info.si_pid, nullptr, 0);
  }
}

void ChaosSession::stop() {
  Control control;
  Status status = Control::connect(name_, &control);
  if (status == nullptr) status = control.stop();
  if (status != nullptr) syscall(SYS_pidfd_send_signal, raylet_.get(), SIGKILL, nullptr, 0);
  waitpid(std::exchange(raylet_pid_, 0), nullptr, 0);
  kill_others();  // what was the raylet's is ours now
}

}  // namespace mobula::tools
