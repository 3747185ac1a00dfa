// ray/api/start_hook.h: lets the raylet run the program's own functions without a second build of it.
//   Process    the raylet re-executes the program; this hook then becomes a worker template instead of entering main
//   Cost       nothing after the start of the process
#pragma once

#include "mobula/runtime.h"

// Workers need the program's functions, and the program is where they are. So the raylet re-executes it and takes over
// after the static initialisers (which register the functions) and before main. glibc's start code reaches main through
// __libc_start_main; a definition in the program itself wins over the one in libc. It is
//   weak     so that every file that includes this header may define it
//   used     so that it stays although no C++ code names it
//   hidden   so that it is linked into the program but seen by nobody else; the library exports no such name, because
//            that would change the start of every process that merely loads it
#if defined(__GLIBC__) && defined(__linux__)
extern "C" __attribute__((weak, used, visibility("hidden"))) int __libc_start_main(int (*main)(int, char **, char **),
                                                                                   int argc, char **argv,
                                                                                   void (*init)(), void (*fini)(),
                                                                                   void (*rtld_fini)(),
                                                                                   void *stack_end) {
  return mobula::runtime::start_main(main, argc, argv, init, fini, rtld_fini, stack_end);
}
#endif
