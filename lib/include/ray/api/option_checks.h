// ray/api/option_checks.h: the options that all callers share, and what may be asked for.
//   Threads    one caller belongs to one thread
//   Errors     Remote throws: RayException for resources, RayRuntimeEnvException for a field that no session provides.
//              SetPlacementGroup throws RayException for a bundle that the group does not have
//   Cost       nothing for options that were not set
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mobula/runtime.h"
#include "ray/api/exceptions.h"
#include "ray/api/placement_group.h"
#include "ray/api/runtime_env.h"

namespace ray {
namespace internal {

inline void check_resource(const std::string &name, double quantity) {
  const auto refuse = [&](const char *rule) {
    throw RayException(rule + std::string(" Specified resource: ") + name + " = " + std::to_string(quantity) + ".");
  };
  if (name.empty() || !(quantity > 0)) refuse("Resource values should be positive.");
  if (quantity > 1 && quantity != std::floor(quantity)) {
    refuse("A resource value should be an integer if it is greater than 1.0.");
  }
}

inline void CheckTaskOptions(const std::unordered_map<std::string, double> &resources) {
  for (const auto &[name, quantity] : resources) check_resource(name, quantity);
}

// What Remote does first.
inline void check_options(const mobula::runtime::TaskOptions &options) {
  for (const mobula::runtime::Resource &resource : options.resources) check_resource(resource.name, resource.quantity);
  check_runtime_env(options.runtime_env);
}

// Options of every caller. Derived is the caller; its Remote passes checked_options() on.
template <typename Derived>
class ResourceOptions {
 public:
  // The name in reports and errors.
  Derived &SetName(std::string name) {
    options_.name = std::move(name);
    return derived();
  }
  // Replaces those that were set.
  Derived &SetResources(std::unordered_map<std::string, double> resources) {
    options_.resources.clear();
    for (const auto &[name, quantity] : resources) options_.resources.push_back({name, quantity});
    return derived();
  }
  // Of one name the first value counts.
  Derived &SetResource(std::string name, double value) {
    const auto has_name = [&](const mobula::runtime::Resource &resource) { return resource.name == name; };
    auto &resources = options_.resources;
    if (std::none_of(resources.begin(), resources.end(), has_name)) resources.push_back({std::move(name), value});
    return derived();
  }

  // Set by the functions of mobula/task.h.
  mobula::runtime::TaskOptions &options() { return options_; }

 protected:
  const mobula::runtime::TaskOptions &checked_options() const {
    check_options(options_);
    return options_;
  }

 private:
  Derived &derived() { return static_cast<Derived &>(*this); }

  mobula::runtime::TaskOptions options_;
};

// Those of tasks and of actors' factories.
template <typename Derived>
class CallerOptions : public ResourceOptions<Derived> {
 public:
  // Takes the resources from a bundle of the group; -1 = from any. An empty group means none.
  Derived &SetPlacementGroup(PlacementGroup group, int bundle_index) {
    if (!group.Empty()) check_bundle_index(group, bundle_index);
    this->options().placement_group = group.GetID();
    this->options().bundle = group.Empty() ? -1 : bundle_index;
    return static_cast<Derived &>(*this);
  }
  Derived &SetRuntimeEnv(const RuntimeEnv &runtime_env) {
    this->options().runtime_env = runtime_env_text(runtime_env);
    return static_cast<Derived &>(*this);
  }
};

}  // namespace internal
}  // namespace ray
