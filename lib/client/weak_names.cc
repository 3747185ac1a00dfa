#include "client/weak_names.h"

#include "base/crash_points.h"

namespace mobula::client {

bool WeakNames::add(const refs::ObjectName &name) {
  const std::lock_guard lock(mutex_);
  if (counts_.size() >= base::kWeakNamesMax && !counts_.contains(name)) return false;
  ++alive_;
  if (++counts_[name] != 1) return true;
  outbox_.send(wire::retain_slot(name, wire::Retention::kWeak), Outbox::Urgency::kWhenConvenient);
  base::crash_point(base::CrashPoint::kRetainSent);
  return true;
}

void WeakNames::remove(const refs::ObjectName &name) {
  const std::lock_guard lock(mutex_);
  --alive_;
  const auto found = counts_.find(name);
  if (--found->second != 0) return;
  counts_.erase(found);
  outbox_.send(wire::retain_slot(name, wire::Retention::kNotWeak), Outbox::Urgency::kWhenConvenient);
}

std::size_t WeakNames::alive() const {
  const std::lock_guard lock(mutex_);
  return alive_;
}

}  // namespace mobula::client
