// worker/environment.h: what a task or actor wants around it: variables, a working folder, the GPUs that it was given.
//   Threads    thread-bound, and no other thread may read the environment meanwhile
//   Process    changes the process's own environment and folder, and puts them back
//   Errors     a condition: text that is no JSON, a folder that is not there. Then all is as it was before
//   Cost       a few microseconds; a parse of the text
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace mobula::worker {

class Environment {
 public:
  Environment() = default;
  ~Environment() { leave(); }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

  // `runtime_env`: JSON with env_vars and working_dir, "" = nothing. `device_bits`: GPUs, which CUDA_VISIBLE_DEVICES
  // then names; 0: none were asked for, the variable stays. REQUIRES: left since the last time.
  Status enter(const std::string &runtime_env, std::uint64_t device_bits);
  // Everything as before. Nothing happens when nothing was changed.
  void leave();
  // It stays for good: of an actor, whose process ends with it.
  void keep();

 private:
  Status read(const std::string &runtime_env);
  Status enter_folder(const std::string &folder);
  void set(const std::string &name, const std::string &value);

  std::vector<std::pair<std::string, std::optional<std::string>>> before_;  // variables and what they were, if anything
  base::File folder_before_;
};

}  // namespace mobula::worker
