// Runs one operation for bench/micro/instructions, which counts what run_batch executes.
//   count_one --list | --host | NAME BATCHES
// --host has a session until its standard input ends, and prints its name. NAME that needs one joins RAY_ADDRESS.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "micro/operations.h"

using bench::micro::Operation;

// Found by its name.
extern "C" [[gnu::noinline, gnu::used]] void run_batch(const Operation &operation) { operation.run(); }

namespace {

void list() {
  for (const Operation &operation : bench::micro::all_operations()) {
    if (!operation.is_raylets) std::printf("%s\n", operation.name.c_str());
  }
}

void host() {
  bench::micro::start_session("");
  std::printf("embedded-%d\n", ::getpid());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  bench::micro::end_session();
}

void count(const std::string &name, int batches) {
  for (const Operation &operation : bench::micro::all_operations()) {
    if (operation.name != name) continue;
    if (operation.needs_session) {
      const char *const session = std::getenv("RAY_ADDRESS");
      bench::micro::start_session(session == nullptr ? "" : session);
    }
    for (int i = 0; i < batches; ++i) {
      operation.prepare();
      run_batch(operation);
    }
    if (operation.needs_session) bench::micro::end_session();
    return;
  }
  throw std::invalid_argument("there is no operation '" + name + "'");
}

}  // namespace

int main(int argc, char **argv) {
  try {
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0)
      list();
    else if (argc == 2 && std::strcmp(argv[1], "--host") == 0)
      host();
    else if (argc == 3)
      count(argv[1], std::atoi(argv[2]));
    else
      throw std::invalid_argument("usage: count_one --list | --host | NAME BATCHES");
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "count_one: %s\n", error.what());
    return 1;
  }
}
