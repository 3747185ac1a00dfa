// How long after a death everything that the dead process held is free: from its pidfd's being readable until the last
// of its entries has a new tenant's generation. Nobody is asked: the segment is looked at.
//   reap_bench [REFERENCES] [DEATHS]     in a session of its own that RAY_ADDRESS names
#include <poll.h>
#include <ray/api.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "refs/object_id.h"
#include "segment/segment.h"
#include "tools/control.h"
#include "tools/doctor.h"

namespace {

using mobula::refs::ObjectName;

constexpr std::size_t kReferencesDefault = 10'000;
constexpr std::size_t kDeathsDefault = 200;
constexpr std::int64_t kNanosecondsPerMicrosecond = 1000;
// Between two looks: spinning would take a core from the raylet and from the kernel, which takes the dead one apart.
constexpr useconds_t kLookAgainUs = 20;
constexpr std::int64_t kReclaimNsMax = 5'000'000'000;

[[noreturn]] void give_up(const std::string &what) {
  std::fprintf(stderr, "reap_bench: %s\n", what.c_str());
  std::exit(1);
}

std::unique_ptr<mobula::segment::Segment> look_into(const char *session) {
  mobula::tools::Control control;
  if (auto status = mobula::tools::Control::connect(session, &control)) give_up(status->message);
  std::unique_ptr<mobula::segment::Segment> segment;
  if (auto status = mobula::tools::open_segment_of(control.raylet_pid(), &segment)) give_up(status->message);
  return segment;
}

// The victim: holds so many objects, writes their ids to `out`, and waits for its death.
[[noreturn]] void hold(std::size_t references, int out) {
  ray::Init();
  std::vector<ray::ObjectRef<int>> held;
  std::string ids;
  for (std::size_t i = 0; i < references; ++i) {
    held.push_back(ray::Put(static_cast<int>(i)));
    ids += held.back().ID();
  }
  for (std::size_t at = 0; at < ids.size();) {
    const ssize_t wrote = write(out, ids.data() + at, ids.size() - at);
    if (wrote <= 0) _exit(1);
    at += static_cast<std::size_t>(wrote);
  }
  for (;;) pause();
}

std::vector<ObjectName> read_names(const mobula::segment::Segment &segment, std::size_t count, int in) {
  std::string ids(count * mobula::refs::kObjectIdBytes, '\0');
  for (std::size_t at = 0; at < ids.size();) {
    const ssize_t got = read(in, ids.data() + at, ids.size() - at);
    if (got <= 0) give_up("the process that should hold the references has ended");
    at += static_cast<std::size_t>(got);
  }
  std::vector<ObjectName> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(*mobula::refs::decode_id(
        segment.header().epoch, ids.substr(i * mobula::refs::kObjectIdBytes, mobula::refs::kObjectIdBytes)));
  }
  return names;
}

std::int64_t reclaim_us(const mobula::segment::Segment &segment, std::size_t references) {
  int ends[2];
  if (pipe(ends) != 0) give_up("pipe");
  const pid_t victim = fork();
  if (victim == 0) hold(references, ends[1]);
  close(ends[1]);
  std::vector<ObjectName> names = read_names(segment, references, ends[0]);
  close(ends[0]);
  const mobula::base::File pidfd(static_cast<int>(syscall(SYS_pidfd_open, victim, 0)));
  kill(victim, SIGKILL);
  pollfd gone{pidfd.get(), POLLIN, 0};
  poll(&gone, 1, -1);
  const std::int64_t seen_ns = mobula::base::monotonic_ns();
  while (!names.empty()) {
    const std::uint64_t word = segment.entry(names.back().entry).state.load(std::memory_order_acquire);
    if (!mobula::refs::names(word, names.back().generation)) {
      names.pop_back();
      continue;
    }
    usleep(kLookAgainUs);
    if (mobula::base::monotonic_ns() - seen_ns > kReclaimNsMax)
      give_up("an entry of the dead was not reclaimed in 5 s");
  }
  const std::int64_t reclaimed_ns = mobula::base::monotonic_ns();
  waitpid(victim, nullptr, 0);
  return (reclaimed_ns - seen_ns) / kNanosecondsPerMicrosecond;
}

}  // namespace

int main(int argc, char **argv) {
  const std::size_t references = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kReferencesDefault;
  const std::size_t deaths = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kDeathsDefault;
  const char *const session = std::getenv("RAY_ADDRESS");
  if (session == nullptr || references == 0 || deaths == 0) {
    give_up("usage: RAY_ADDRESS=SESSION reap_bench [REFERENCES] [DEATHS]");
  }
  const auto segment = look_into(session);
  std::vector<std::int64_t> times_us;
  for (std::size_t i = 0; i < deaths; ++i) times_us.push_back(reclaim_us(*segment, references));
  std::sort(times_us.begin(), times_us.end());
  std::printf("%zu deaths with %zu references: reclaimed p50 %ld us, p99 %ld us, max %ld us\n", deaths, references,
              static_cast<long>(times_us[deaths / 2]), static_cast<long>(times_us[deaths * 99 / 100]),
              static_cast<long>(times_us.back()));
}
