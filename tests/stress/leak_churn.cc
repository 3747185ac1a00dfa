// Creates objects, shares them with another process, drops them, millions of times: scripts/stress --leaks.
//   leak_churn PAGE SEED DEADLINE_MS OPERATIONS
// The page's `calls` tell how far it is. Ends with "failure TEXT" and status 70 when something is wrong.
#include <ray/api.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "calls.h"

namespace mix {
namespace {

namespace tasks = MIX_TASKS;
using Reference = ray::ObjectRef<Payload>;

constexpr std::uint64_t kSharedOneIn = 64;  // by a task of another process; the others by their id
constexpr std::uint64_t kBatch = 64;

// Some lie in the header, some in slabs, few in extents.
std::uint64_t words_of(std::uint64_t number) { return number % 1'024 == 0 ? 100'000 : number % 8 == 0 ? 200 : 8; }

// A batch: put, named to others, one of them read by a worker, all dropped.
void churn(Calls &calls, std::uint64_t first) {
  std::vector<Reference> held;
  held.reserve(kBatch);
  for (std::uint64_t i = 0; i < kBatch; ++i) {
    const Payload payload = make_payload(first + i, words_of(first + i));
    held.push_back(calls.published(false, [&] { return ray::Put(payload); }));
    if (held.back().ID().empty()) fail("an object without an id");
  }
  const std::uint64_t number = first / kBatch % kSharedOneIn;
  const auto seed = calls.get(calls.submit(tasks::check, held[number]));
  if (seed != nullptr) require(*seed == short_seed(first + number), "argument");
}

int run(int argc, char **argv) {
  CallPage *const page = argc < 5 ? nullptr : map_call_page(argv[1]);
  if (page == nullptr) {
    std::fprintf(stderr, "usage: leak_churn PAGE SEED DEADLINE_MS OPERATIONS\n");
    return 2;
  }
  Calls calls(*page, static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)));
  const std::uint64_t start = std::strtoull(argv[2], nullptr, 10) << 32;
  const std::uint64_t operations = std::strtoull(argv[4], nullptr, 10);
  ray::Init(ray::RayConfig());
  for (std::uint64_t done = 0; done < operations; done += kBatch) churn(calls, start + done);
  ray::Shutdown();
  return 0;
}

}  // namespace
}  // namespace mix

int main(int argc, char **argv) { return mix::status_of(mix::run, argc, argv); }
