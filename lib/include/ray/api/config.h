// ray/api/config.h: what a program may ask of a session, as plain fields.
#pragma once

#include <string>
#include <vector>

#include "ray/api/optional.h"
#include "ray/api/runtime_env.h"

namespace ray {

enum class ActorLifetime {
  NON_DETACHED,  // ends with its last handle, or with its job
  DETACHED,      // lives until it is killed, or exits
};

class RayConfig {
 public:
  // Session to attach to; "" = the environment's RAY_ADDRESS, else a session of the program's own.
  std::string address;
  // Tasks and actors run in the calling thread, at once: for debuggers.
  bool local_mode = false;
  // Libraries, or folders of them, that the workers load besides the program itself.
  std::vector<std::string> code_search_path;
  // Of a session of the program's own: --num-cpus N, --object-store-memory BYTES. Others are ignored.
  std::vector<std::string> head_args;
  // Of actors that do not say otherwise.
  ActorLifetime default_actor_lifetime = ActorLifetime::NON_DETACHED;
  // Of all tasks and actors of the program.
  internal::Optional<RuntimeEnv> runtime_env;
  // Accepted as in Ray; there is no Redis.
  internal::Optional<std::string> redis_username_;
  internal::Optional<std::string> redis_password_;
  // Accepted as in Ray; workers are made by the session.
  bool is_worker_ = false;
  // Namespace of named actors; "" = one of this program alone.
  std::string ray_namespace;
};

}  // namespace ray
