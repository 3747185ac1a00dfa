// RuntimeEnv as a value, and environment variables of tasks and actors.
#include <ray/api.h>

#include <cstdlib>

using ray::internal::RayRuntimeEnvException;

struct Pip {
  std::vector<std::string> packages;
  bool check = false;
};
void to_json(nlohmann::json &json, const Pip &pip) { json = {{"packages", pip.packages}, {"check", pip.check}}; }
void from_json(const nlohmann::json &json, Pip &pip) {
  json.at("packages").get_to(pip.packages);
  json.at("check").get_to(pip.check);
}

std::string variable(std::string name) {
  const char *value = std::getenv(name.c_str());
  return value == nullptr ? "(not set)" : value;
}
class Reader {
 public:
  static Reader *Create() { return new Reader; }
  std::string Read(std::string name) { return variable(name); }
};
RAY_REMOTE(variable, Reader::Create, &Reader::Read);

template <typename Action>
std::string thrown(Action action) {
  try {
    action();
  } catch (const RayRuntimeEnvException &) {
    return "RayRuntimeEnvException";
  }
  return "nothing";
}

void show_values() {
  ray::RuntimeEnv env;
  std::cout << "empty: " << env.Empty() << "\n";
  env.Set("working_dir", "somewhere");
  env.Set("pip", Pip{{"one", "two"}, true});
  env.SetJsonStr("conda", R"({"dependencies":["three"]})");
  std::cout << env.Get<std::string>("working_dir") << " " << env.Get<Pip>("pip").packages[1] << " "
            << env.GetJsonStr("conda") << "\n";
  std::cout << "contains: " << env.Contains("pip") << env.Contains("nothing") << ", empty: " << env.Empty() << "\n";
  std::cout << "removed: " << env.Remove("pip") << env.Remove("pip") << env.Contains("pip") << "\n";
  const ray::RuntimeEnv copy = ray::RuntimeEnv::Deserialize(env.Serialize());
  std::cout << "a copy by text: " << copy.Get<std::string>("working_dir") << " "
            << (copy.Serialize() == env.Serialize()) << "\n";
  std::cout << "missing: " << thrown([&] { env.Get<std::string>("missing"); })
            << ", of another type: " << thrown([&] { env.Get<Pip>("working_dir"); })
            << ", no JSON: " << thrown([&] { env.SetJsonStr("bad", "{"); })
            << ", no JSON at all: " << thrown([] { ray::RuntimeEnv::Deserialize("{"); }) << "\n";
}

int main() {
  show_values();
  ray::Init();
  ray::RuntimeEnv env;
  env.Set("env_vars", std::map<std::string, std::string>{{"PORTABLE_WORD", "given"}});
  std::cout << *ray::Task(variable).Remote(std::string("PORTABLE_WORD")).Get() << "\n";
  std::cout << *ray::Task(variable).SetRuntimeEnv(env).Remote(std::string("PORTABLE_WORD")).Get() << "\n";
  auto reader = ray::Actor(Reader::Create).SetRuntimeEnv(env).Remote();
  std::cout << *reader.Task(&Reader::Read).Remote(std::string("PORTABLE_WORD")).Get() << "\n";
  std::cout << *ray::Task(variable).Remote(std::string("PORTABLE_WORD")).Get() << "\n";
  ray::Shutdown();

  ray::RayConfig config;
  ray::RuntimeEnv of_all;
  of_all.Set("env_vars", std::map<std::string, std::string>{{"PORTABLE_WORD", "of the program"}});
  config.runtime_env = of_all;
  ray::Init(config);
  std::cout << *ray::Task(variable).Remote(std::string("PORTABLE_WORD")).Get() << "\n";
  ray::Shutdown();
}
