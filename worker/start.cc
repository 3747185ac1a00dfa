// Where glibc hands control to a program that includes ray/api.h, before its main.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "client/current.h"
#include "mobula/runtime.h"
#include "worker/template.h"

namespace mobula::runtime {
namespace {

// The user's static destructors belong to his program, which never ran here: no exit().
[[noreturn]] int template_main(int, char **, char **) {
  const std::optional<worker::TemplateOptions> options = worker::options_from_environment();
  const int status = options ? worker::run_template(*options) : 1;
  std::fflush(nullptr);
  _exit(status);
}

// A program without the start hook has run its own main up to ray::Init: it becomes the template there.
void become_template() { template_main(0, nullptr, nullptr); }

const bool registered = [] {
  client::set_become_template(become_template);
  return true;
}();

using StartMain = int (*)(int (*)(int, char **, char **), int, char **, void (*)(), void (*)(), void (*)(), void *);

}  // namespace

int start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(), void (*fini)(),
               void (*rtld_fini)(), void *stack_end) {
  // The program's own definition came first in the search; the real one is in libc, after us.
  void *const real = dlsym(RTLD_NEXT, "__libc_start_main");
  if (real == nullptr) std::abort();
  const bool is_template = std::getenv("MOBULA_TEMPLATE_NUMBER") != nullptr;
  return reinterpret_cast<StartMain>(real)(is_template ? template_main : main, argc, argv, init, fini, rtld_fini,
                                           stack_end);
}

int serve_as_template(const std::string &socket_path, const std::vector<std::string> &libraries) {
  worker::TemplateOptions options;
  options.socket_path = socket_path;
  options.libraries = libraries;
  return worker::run_template(options);
}

}  // namespace mobula::runtime
