// mobula/actor.h: options of an actor that Ray's C++ API has for whole jobs only.
//   Threads    one creator belongs to one thread
//   Cost       none
#pragma once

#include <utility>

#include "mobula/not_on_ray.h"

namespace mobula {

// Whether the actor outlives its driver and all its handles, until it is killed or exits. Give it a name.
// mobula::detached(ray::Actor(factory)).SetName("name").Remote(arguments...)
template <typename Creator>
Creator &&detached(Creator &&creator, bool is_detached = true) {
  creator.actor_options().detached = is_detached;
  return std::forward<Creator>(creator);
}

}  // namespace mobula
