// What `mobula chaos` runs in its tests: a program that is clean, one that leaks, and others that do not do well.
#include <mobula/actor.h>
#include <ray/api.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

using Text = ray::ObjectRef<std::string>;

std::string doubled(std::string text) { return text + text; }
int length(const std::string &text) { return static_cast<int>(text.size()); }
int nap(int ms) {
  ::usleep(static_cast<useconds_t>(ms) * 1'000);
  return ::getpid();
}

// Keeps what it is given for as long as it lives.
class Hoard {
 public:
  static Hoard *Make() { return new Hoard; }
  int Keep(std::vector<Text> texts) {
    for (Text &text : texts) kept_.push_back(std::move(text));
    return static_cast<int>(kept_.size());
  }

 private:
  std::vector<Text> kept_;
};

RAY_REMOTE(doubled, length, nap, Hoard::Make, &Hoard::Keep);

// Workers may die under it: it does not mind.
void one_round(int round) {
  try {
    const Text text = ray::Put(std::string(static_cast<std::size_t>(1'000 + 2'000 * (round % 20)), 'x'));
    std::vector<ray::ObjectRef<int>> results;
    for (int i = 0; i < 8; ++i) results.push_back(ray::Task(length).Remote(ray::Task(doubled).Remote(text)));
    results.push_back(ray::Task(nap).Remote(5));
    ray::Get(results);
  } catch (const ray::internal::RayException &) {
  }
}

int work(int rounds) {
  ray::RayConfig config;
  ray::Init(config);
  for (int round = 0; round < rounds; ++round) one_round(round);
  ray::Shutdown();
  return 0;
}

// The detached actor outlives each run, and holds what the first run gave it.
int leak() {
  ray::RayConfig config;
  config.ray_namespace = "hoards";
  ray::Init(config);
  auto hoard = ray::GetActor<Hoard>("hoard");
  if (!hoard) {
    auto made = mobula::detached(ray::Actor(Hoard::Make)).SetName("hoard").Remote();
    const Text text = ray::Put(std::string(300'000, 'x'));
    made.Task(&Hoard::Keep).Remote(std::vector<Text>{text}).Get();
  }
  for (int round = 0; round < 20; ++round) one_round(round);
  ray::Shutdown();
  return 0;
}

int fail() {
  ray::RayConfig config;
  ray::Init(config);
  one_round(1);
  std::cout << "the first of its last words\n" << std::flush;
  std::cerr << "there are no more beans\n";
  std::_Exit(7);
}

}  // namespace

int main(int argc, char **argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "work") return work(argc > 2 ? std::atoi(argv[2]) : 1'000'000);
  if (what == "leak") return leak();
  if (what == "fail") return fail();
  if (what == "strange") return 0;
  std::cerr << "chaos_program work [ROUNDS] | leak | fail | strange\n";
  return 2;
}
