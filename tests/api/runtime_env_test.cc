#include "ray/api/runtime_env.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using ray::internal::check_runtime_env;
using ray::internal::RayRuntimeEnvException;

struct Pip {
  std::vector<std::string> packages;
  bool check = false;
};
void to_json(json &target, const Pip &pip) { target = json{{"packages", pip.packages}, {"pip_check", pip.check}}; }
void from_json(const json &source, Pip &pip) {
  source.at("packages").get_to(pip.packages);
  source.at("pip_check").get_to(pip.check);
}

std::string refused(const std::string &text) {
  try {
    check_runtime_env(text);
  } catch (const RayRuntimeEnvException &problem) {
    return problem.what();
  }
  return "";
}

}  // namespace

TEST_CASE("fields come back as what they were set to, also types of the user's") {
  ray::RuntimeEnv environment;
  CHECK(environment.Empty());
  environment.Set("working_dir", "/work");
  environment.Set("env_vars", std::map<std::string, std::string>{{"ONE", "1"}});
  environment.Set("pip", Pip{{"requests"}, true});
  CHECK_FALSE(environment.Empty());
  CHECK(environment.Get<std::string>("working_dir") == "/work");
  CHECK(environment.Get<std::map<std::string, std::string>>("env_vars").at("ONE") == "1");
  CHECK(environment.Get<Pip>("pip").packages == std::vector<std::string>{"requests"});
  CHECK(environment.Get<Pip>("pip").check);
  environment.Set("working_dir", "/other");
  CHECK(environment.Get<std::string>("working_dir") == "/other");
}

TEST_CASE("fields may be set and read as JSON") {
  ray::RuntimeEnv environment;
  environment.SetJsonStr("pip", R"({"packages":["requests"],"pip_check":false})");
  CHECK(environment.Get<Pip>("pip").packages.size() == 1);
  CHECK(environment.GetJsonStr("pip") == R"({"packages":["requests"],"pip_check":false})");
  CHECK_THROWS_AS(environment.SetJsonStr("pip", "{"), RayRuntimeEnvException);
}

TEST_CASE("a field that is missing or of another type is named") {
  ray::RuntimeEnv environment;
  environment.Set("working_dir", "/work");
  CHECK_THROWS_WITH_AS(environment.Get<std::string>("pip"), "The field pip not found.", RayRuntimeEnvException);
  CHECK_THROWS_WITH_AS(environment.GetJsonStr("pip"), "The field pip not found.", RayRuntimeEnvException);
  CHECK_THROWS_WITH_AS(environment.Get<Pip>("working_dir"), doctest::Contains("Failed to get the field working_dir: "),
                       RayRuntimeEnvException);
}

TEST_CASE("fields can be removed, and whether there was one is told") {
  ray::RuntimeEnv environment;
  CHECK_FALSE(environment.Remove("working_dir"));
  environment.Set("working_dir", "/work");
  CHECK(environment.Contains("working_dir"));
  CHECK(environment.Remove("working_dir"));
  CHECK_FALSE(environment.Contains("working_dir"));
  CHECK(environment.Empty());
}

TEST_CASE("a runtime env survives its text") {
  ray::RuntimeEnv environment;
  environment.Set("working_dir", "/work");
  CHECK(ray::RuntimeEnv::Deserialize(environment.Serialize()).Get<std::string>("working_dir") == "/work");
  CHECK(ray::RuntimeEnv::Deserialize(ray::RuntimeEnv().Serialize()).Empty());
  CHECK(json::parse(environment.SerializeToRuntimeEnvInfo()).at("serializedRuntimeEnv") == environment.Serialize());
  CHECK_THROWS_AS(ray::RuntimeEnv::Deserialize("{"), RayRuntimeEnvException);
}

TEST_CASE("what no session provides is refused by its name") {
  CHECK(refused("").empty());
  CHECK(refused("null").empty());
  CHECK(refused("{}").empty());
  CHECK(refused(R"({"working_dir":"/w","env_vars":{"ONE":"1"}})").empty());
  CHECK(refused(R"({"env_vars":{},"pip":["requests"]})") ==
        "The field pip of the runtime env is not available here: env_vars and working_dir are.");
  CHECK(refused(R"({"working_dir":7})") == "The field working_dir must be a string.");
  CHECK(refused(R"({"env_vars":["ONE"]})") == "The field env_vars must be an object of strings.");
  CHECK(refused(R"({"env_vars":{"ONE":1}})") ==
        "The field env_vars must be an object of strings: the value of ONE is none.");
  CHECK(refused("[]") == "The runtime env is no JSON object: []");
  CHECK(refused("{") == "The runtime env is no JSON object: {");
}
