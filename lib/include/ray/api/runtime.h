// ray/api/runtime.h: Init, IsInitialized, Shutdown, GetNamespace.
//   Threads    Init may be called by any thread; Shutdown while no other thread is inside a call
//   Errors     RayException naming what was asked and what to change
#pragma once

#include <string>
#include <utility>

#include "mobula/runtime.h"
#include "ray/api/config.h"
#include "ray/api/exceptions.h"
#include "ray/api/flags.h"

namespace ray {
namespace internal {

inline mobula::runtime::Options options_of(RayConfig config) {
  mobula::runtime::Options options;
  options.address = std::move(config.address);
  options.local_mode = config.local_mode;
  options.head_args = std::move(config.head_args);
  options.code_search_path = std::move(config.code_search_path);
  options.name_space = std::move(config.ray_namespace);
  options.detached_actors = config.default_actor_lifetime == ActorLifetime::DETACHED;
  if (config.runtime_env) options.runtime_env = runtime_env_text(*config.runtime_env);
  check_runtime_env(options.runtime_env);
  return options;
}

}  // namespace internal

// Starts or joins a session. A repeated Init without Shutdown does nothing.
inline void Init(const RayConfig &config, int argc, char **argv) {
  RayConfig wanted = config;
  internal::apply_flags(argc, argv, wanted);
  internal::throw_unless_ok(mobula::runtime::init(internal::options_of(std::move(wanted))));
}
inline void Init(const RayConfig &config) { Init(config, 0, nullptr); }
inline void Init() { Init(RayConfig()); }

// True between Init and Shutdown, and inside workers.
inline bool IsInitialized() { return mobula::runtime::is_initialized(); }

// Leaves the session, and ends it when Init started it. Does nothing when there is none; Init may follow.
inline void Shutdown() { mobula::runtime::shutdown(); }

// The namespace in which this program's actors have their names.
inline std::string GetNamespace() {
  std::string name_space;
  internal::throw_unless_ok(mobula::runtime::job_namespace(&name_space));
  return name_space;
}

}  // namespace ray
