// Part of these programs: they stay until a signal ends them, so that they can be looked at meanwhile.
#pragma once

#include <unistd.h>

#include <cstdio>

inline void pause_to_be_looked_at() {
  std::fflush(stdout);
  pause();
}
