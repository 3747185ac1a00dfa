#include "ray/api/flags.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "ray/api/runtime.h"

namespace {

using ray::internal::RayException;

ray::RayConfig applied(std::initializer_list<const char *> arguments, ray::RayConfig config = {}) {
  std::vector<std::string> texts{"program"};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char *> argv;
  for (std::string &text : texts) argv.push_back(text.data());
  ray::internal::apply_flags(static_cast<int>(argv.size()), argv.data(), config);
  return config;
}

}  // namespace

TEST_CASE("flags of Ray override the config, in both spellings and with one dash or two") {
  ray::RayConfig before;
  before.address = "other";
  CHECK(applied({"--ray_address=here"}, before).address == "here");
  CHECK(applied({"-ray_address", "here"}, before).address == "here");
  CHECK(applied({"--ray_job_namespace=shop"}).ray_namespace == "shop");
  CHECK(applied({"--ray_code_search_path=/a.so::/b"}).code_search_path == std::vector<std::string>{"/a.so", "/b"});
  CHECK(*applied({"--ray_redis_username=u"}).redis_username_ == "u");
  CHECK(*applied({"--ray_redis_password", "p"}).redis_password_ == "p");
}

TEST_CASE("head arguments of the command line come after those of the config") {
  ray::RayConfig before;
  before.head_args = {"--num-cpus", "2"};
  CHECK(applied({"--ray_head_args=--num-cpus 3  --resources {}"}, before).head_args ==
        std::vector<std::string>{"--num-cpus", "2", "--num-cpus", "3", "--resources", "{}"});
}

TEST_CASE("the lifetime of actors is read whatever its case, and nothing else is taken for one") {
  CHECK(applied({"--ray_default_actor_lifetime=Detached"}).default_actor_lifetime == ray::ActorLifetime::DETACHED);
  CHECK(applied({"--ray_default_actor_lifetime", "NON_DETACHED"}).default_actor_lifetime ==
        ray::ActorLifetime::NON_DETACHED);
  CHECK_THROWS_WITH_AS(applied({"--ray_default_actor_lifetime=long"}),
                       "--ray_default_actor_lifetime must be `detached` or `non_detached`, not `long`", RayException);
}

TEST_CASE("a runtime env may come from the command line") {
  CHECK(applied({R"(--ray_runtime_env={"working_dir":"/w"})"}).runtime_env->Get<std::string>("working_dir") == "/w");
  CHECK_THROWS_AS(applied({"--ray_runtime_env={"}), ray::internal::RayRuntimeEnvException);
}

TEST_CASE("flags that mean something to Ray's own processes are accepted with their values") {
  CHECK(applied({"--ray_job_id", "--ray_address=hidden", "--ray_session_dir=/s", "--ray_logs_dir", "/l",
                 "--ray_node_manager_port=1", "--ray_worker_id=2", "--ray_raylet_socket_name=3",
                 "--ray_plasma_store_socket_name=4", "--ray_node_ip_address=5", "--ray_runtime_env_hash=6"})
            .address.empty());
}

TEST_CASE("arguments of the program are left alone, also when they look like flags") {
  CHECK(applied({"--ray_own_flag", "--ray_address=here"}).address == "here");
  CHECK(applied({"ray_address=here"}).address.empty());
  CHECK(applied({"---ray_address=here"}).address.empty());
  CHECK(applied({"--", "--ray_address=here"}).address.empty());
  CHECK(applied({"--ray_address"}).address.empty());
  ray::RayConfig before;
  before.address = "other";
  CHECK(applied({"--ray_address="}, before).address == "other");
}

TEST_CASE("the runtime gets what the config says") {
  ray::RayConfig config;
  config.ray_namespace = "shop";
  config.local_mode = true;
  config.default_actor_lifetime = ray::ActorLifetime::DETACHED;
  ray::RuntimeEnv environment;
  environment.Set("working_dir", "/w");
  config.runtime_env = environment;
  const mobula::runtime::Options options = ray::internal::options_of(config);
  CHECK(options.name_space == "shop");
  CHECK(options.local_mode);
  CHECK(options.detached_actors);
  CHECK(options.runtime_env == R"({"working_dir":"/w"})");
  CHECK(ray::internal::options_of({}).runtime_env.empty());
  environment.Set("pip", std::vector<std::string>{"requests"});
  config.runtime_env = environment;
  CHECK_THROWS_AS(ray::internal::options_of(config), ray::internal::RayRuntimeEnvException);
}
