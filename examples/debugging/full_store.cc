// A store that fills up, for docs/debugging.md: every batch that was made is kept, and nobody needs it any more.
#include <ray/api.h>

#include <cstdio>
#include <string>
#include <vector>

#include "pause.h"

std::string load_batch(int number) { return std::string(2 << 20, static_cast<char>('a' + number % 26)); }
RAY_REMOTE(load_batch);

std::vector<ray::ObjectRef<std::string>> history;

void train_on(const ray::ObjectRef<std::string> &batch) {
  history.push_back(ray::Put(*batch.Get() + " normalised"));  // the mistake: who looks at history?
}

int main() {
  ray::Init();
  try {
    for (int number = 0;; ++number) train_on(ray::Task(load_batch).Remote(number));
  } catch (const std::exception &error) {
    std::printf("after %zu batches: %s\n", history.size(), error.what());
  }
  pause_to_be_looked_at();
}
