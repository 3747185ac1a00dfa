// Waits that do not end, for docs/debugging.md: two actors that ask each other, and a task that never returns.
#include <ray/api.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "pause.h"

class Account {
 public:
  static Account *make() { return new Account(); }
  int know(std::vector<ray::ActorHandle<Account>> others) {
    others_ = others;
    return 0;
  }
  // Asks the other one, which asks us before it answers.
  int balance(int depth) { return depth == 0 ? 100 : *others_.at(0).Task(&Account::balance).Remote(depth - 1).Get(); }

 private:
  std::vector<ray::ActorHandle<Account>> others_;
};

int wait_for_file(std::string path) {
  while (access(path.c_str(), F_OK) != 0) usleep(10'000);  // the mistake: without a limit
  return 0;
}
RAY_REMOTE(Account::make, &Account::know, &Account::balance, wait_for_file);

int main() {
  ray::Init();
  const auto one = ray::Actor(Account::make).Remote();
  const auto other = ray::Actor(Account::make).Remote();
  one.Task(&Account::know).Remote(std::vector{other}).Get();
  other.Task(&Account::know).Remote(std::vector{one}).Get();
  try {
    one.Task(&Account::balance).Remote(2).Get();
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
  }
  const auto never = ray::Task(wait_for_file).Remote("no-such-file");
  std::printf("waiting\n");
  pause_to_be_looked_at();
}
