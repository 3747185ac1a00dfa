// Workers that keep handles, for docs/debugging.md: one in a global, one in a member of an actor.
#include <ray/api.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "pause.h"

using Text = std::string;
using TextRef = ray::ObjectRef<Text>;

std::map<Text, TextRef> seen;  // of each worker

int summarise(Text name, std::vector<TextRef> parts) {
  seen.emplace(name, parts.at(0));  // the mistake: nothing is ever taken out
  return static_cast<int>(parts.at(0).Get()->size());
}

class Index {
 public:
  static Index *make() { return new Index(); }
  int add(Text key, std::vector<TextRef> pages) {
    pages_[key] = pages.at(0);  // the same
    return static_cast<int>(pages_.size());
  }

 private:
  std::map<Text, TextRef> pages_;
};
RAY_REMOTE(summarise, Index::make, &Index::add);

int main() {
  ray::Init();
  const ray::ActorHandle<Index> index = ray::Actor(Index::make).Remote();
  for (int number = 0; number < 8; ++number) {
    const Text name = "page " + std::to_string(number);
    const std::vector<TextRef> page{ray::Put(Text(1 << 20, 'p'))};
    ray::Task(summarise).Remote(name, page).Get();
    if (number % 2 == 0) index.Task(&Index::add).Remote(name, page).Get();
  }
  std::printf("all done: main holds no page any more\n");
  pause_to_be_looked_at();
}
