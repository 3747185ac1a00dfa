#include "client/waiter.h"

#include <unistd.h>

namespace mobula::client {
namespace {

// About the cost of one wake-up; ten times as many steal the other core from whoever has the work.
constexpr std::uint32_t kSpins = 200;

}  // namespace

Waiter::Waiter(segment::ClientSlot &slot, const segment::Half &life)
    : slot_(slot), life_(life), spins_(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? kSpins : 1) {}

}  // namespace mobula::client
