// A service that grows, for docs/debugging.md: it answers requests out of a cache of named objects, which the store may
// evict, and remembers each of its users for good. 8 requests a second.
#include <mobula/names.h>
#include <ray/api.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

using Text = std::string;

std::vector<ray::ObjectRef<Text>> sessions;
int misses = 0;

Text render(const Text &page) { return Text(3 << 20, page.back()); }

Text answer(const Text &page) {
  if (const auto cached = mobula::lookup<Text>(page)) return *cached->Get();
  ++misses;
  const ray::ObjectRef<Text> fresh = ray::Put(render(page));
  mobula::publish(page, fresh);
  return *fresh.Get();
}

void remember(int user) { sessions.push_back(ray::Put(Text(256 << 10, static_cast<char>('a' + user % 26)))); }

int main() {
  ray::Init();
  for (int user = 0;;) {
    for (int request = 0; request < 8; ++request) {
      answer("page " + std::to_string(request));
      remember(user++);
    }
    std::printf("%d requests, %d pages rendered\n", user, misses);
    std::fflush(stdout);
    sleep(1);
  }
}
