#include "client/waiter.h"

namespace mobula::client {
namespace {

// About the cost of one wake-up; ten times as many steal the other core from whoever has the work.
constexpr std::uint32_t kLooksMax = 200;

}  // namespace

Waiter::Waiter(segment::ClientSlot &slot, const segment::Half &life) : slot_(slot), life_(life), spin_(kLooksMax) {}

}  // namespace mobula::client
