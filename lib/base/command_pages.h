// base/command_pages.h: shell completion and man page of a program, made from the definition of its command line.
//   Threads    any thread
//   Errors     none
//   Cost       O(options); used when the programs are built, so that neither can tell less than --help
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace mobula::base {

enum class Shell { kBash, kZsh };

// Hidden options and commands (of the group "") are left out of both.
std::string completion_of(const CLI::App &app, Shell shell);
// For section 1, in roff. `version` stands at its foot.
std::string man_page_of(const CLI::App &app, const std::string &version);

// Hidden options that print these and end the program: --print-completion bash|zsh, and --print-man.
void add_page_options(CLI::App *app, const std::string &version);

}  // namespace mobula::base
