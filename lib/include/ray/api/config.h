// ray/api/config.h: what a program may ask of a session, as plain fields.
#pragma once

#include <string>
#include <vector>

namespace ray {

struct RayConfig {
  // Session to attach to; "" = the environment's RAY_ADDRESS, else a session of the program's own.
  std::string address;
  // Not available in this version: Init refuses it with an error.
  bool local_mode = false;
  // Libraries, or folders of them, that the workers load besides the program itself.
  std::vector<std::string> code_search_path;
  // Of a session of the program's own: --num-cpus N, --object-store-memory BYTES. Others are ignored.
  std::vector<std::string> head_args;
  // Namespace of named actors; "" = one of this program alone.
  std::string ray_namespace;
};

}  // namespace ray
