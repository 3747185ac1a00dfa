// Workers that die, for docs/debugging.md: by a signal of their own, and by a library that calls exit().
#include <ray/api.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "pause.h"

int parse(std::string line) {
  const char *const comma = line.find(',') == std::string::npos ? nullptr : &line[line.find(',')];
  return *comma == ',' ? 1 : 0;  // the mistake: a line without a comma
}
int convert(int number) {
  if (number > 1) _exit(3);  // as a library may
  return number;
}
RAY_REMOTE(parse, convert);

template <typename Value>
void show(const char *what, const ray::ObjectRef<Value> &object) {
  try {
    std::printf("%s: %d\n", what, *object.Get());
  } catch (const std::exception &error) {
    std::printf("%s: %s\n", what, error.what());
  }
}

int main() {
  ray::Init();
  show("parse", ray::Task(parse).Remote("1,2"));
  show("parse", ray::Task(parse).Remote("3"));
  show("convert", ray::Task(convert).Remote(2));
  pause_to_be_looked_at();
}
