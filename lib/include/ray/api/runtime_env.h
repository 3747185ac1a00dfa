// ray/api/runtime_env.h: what a job, actor or task wants around it, as fields of JSON.
//   Threads    one RuntimeEnv belongs to one thread
//   Errors     RayRuntimeEnvException: a field that is missing or of another type, text that is no JSON
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "ray/api/exceptions.h"

namespace ray {
namespace internal {

// Runs `action` on the field; what it throws says so.
template <typename Action>
auto with_field(const char *verb, const std::string &name, Action action) {
  try {
    return action();
  } catch (const std::exception &error) {
    throw RayRuntimeEnvException("Failed to " + std::string(verb) + " the field " + name + ": " + error.what());
  }
}

}  // namespace internal

// Any field may be set. Those that a session provides are env_vars and working_dir; Init and Remote refuse others.
class RuntimeEnv {
 public:
  // T: whatever nlohmann::json converts, also by the user's to_json and from_json.
  template <typename T>
  void Set(const std::string &name, const T &value) {
    internal::with_field("set", name, [&] { fields_[name] = nlohmann::json(value); });
  }
  template <typename T>
  T Get(const std::string &name) const {
    const nlohmann::json &value = field(name);
    return internal::with_field("get", name, [&] { return value.get<T>(); });
  }

  void SetJsonStr(const std::string &name, const std::string &json_str) {
    internal::with_field("set", name, [&] { fields_[name] = nlohmann::json::parse(json_str); });
  }
  std::string GetJsonStr(const std::string &name) const { return field(name).dump(); }

  bool Contains(const std::string &name) const { return fields_.contains(name); }
  // False when there was no such field.
  bool Remove(const std::string &name) { return Contains(name) && fields_.erase(name) == 1; }
  bool Empty() const { return fields_.empty(); }

  std::string Serialize() const { return fields_.dump(); }
  // The form in which Ray's own processes pass it on.
  std::string SerializeToRuntimeEnvInfo() const { return nlohmann::json{{"serializedRuntimeEnv", Serialize()}}.dump(); }
  static RuntimeEnv Deserialize(const std::string &serialized_runtime_env) {
    RuntimeEnv runtime_env;
    try {
      runtime_env.fields_ = nlohmann::json::parse(serialized_runtime_env);
    } catch (const std::exception &error) {
      throw internal::RayRuntimeEnvException("Failed to deserialize runtime env " + serialized_runtime_env + ": " +
                                             error.what());
    }
    return runtime_env;
  }

 private:
  const nlohmann::json &field(const std::string &name) const {
    if (!Contains(name)) throw internal::RayRuntimeEnvException("The field " + name + " not found.");
    return fields_.at(name);
  }
  nlohmann::json fields_;
};

namespace internal {

inline void check_variables(const nlohmann::json &variables) {
  const std::string expected = "The field env_vars must be an object of strings";
  if (!variables.is_object()) throw RayRuntimeEnvException(expected + ".");
  for (const auto &[name, value] : variables.items()) {
    if (!value.is_string()) throw RayRuntimeEnvException(expected + ": the value of " + name + " is none.");
  }
}

// Throws unless a session can provide all fields of this text, naming the first that it cannot. "" asks for nothing.
inline void check_runtime_env(const std::string &serialized) {
  if (serialized.empty()) return;
  const nlohmann::json fields = nlohmann::json::parse(serialized, nullptr, false);
  if (fields.is_null()) return;
  if (!fields.is_object()) throw RayRuntimeEnvException("The runtime env is no JSON object: " + serialized);
  for (const auto &[name, value] : fields.items()) {
    if (name == "env_vars") {
      check_variables(value);
    } else if (name != "working_dir") {
      throw RayRuntimeEnvException("The field " + name +
                                   " of the runtime env is not available here: env_vars and working_dir are.");
    } else if (!value.is_string()) {
      throw RayRuntimeEnvException("The field working_dir must be a string.");
    }
  }
}

// The text for the runtime; "" when there is nothing in it.
inline std::string runtime_env_text(const RuntimeEnv &runtime_env) {
  return runtime_env.Empty() ? std::string() : runtime_env.Serialize();
}

}  // namespace internal
}  // namespace ray
