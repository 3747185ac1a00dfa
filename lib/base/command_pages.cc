#include "base/command_pages.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <iostream>
#include <vector>

namespace mobula::base {
namespace {

// --- what the definition says ----------------------------------------------------------------------------------------

std::vector<const CLI::Option *> options_of(const CLI::App &app) {
  std::vector<const CLI::Option *> options;
  for (const CLI::Option *option : app.get_options()) {
    if (!option->get_group().empty()) options.push_back(option);
  }
  return options;
}

std::vector<const CLI::App *> commands_of(const CLI::App &app) {
  return app.get_subcommands([](const CLI::App *command) { return !command->get_group().empty(); });
}

// "-o", "--output".
std::vector<std::string> flags_of(const CLI::Option &option) {
  std::vector<std::string> flags;
  for (const std::string &name : option.get_snames()) flags.push_back("-" + name);
  for (const std::string &name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

bool takes_value(const CLI::Option &option) { return option.get_items_expected_max() != 0; }

// What the value is called, such as SIZE, in capitals.
std::string value_name(const CLI::Option &option) {
  const std::string type = option.get_type_name();
  const std::string checked = type.substr(type.rfind(':') + 1);
  const bool is_word = !checked.empty() && std::all_of(checked.begin(), checked.end(),
                                                       [](unsigned char letter) { return std::isupper(letter) != 0; });
  if (is_word) return checked;
  return type.substr(0, type.find(':'));
}

// The values that it may have, when the definition lists them.
std::vector<std::string> choices_of(const CLI::Option &option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  std::vector<std::string> choices = CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
  for (std::string &choice : choices) choice.resize(std::min(choice.find("->"), choice.size()));  // what it stands for
  return choices;
}

bool is_file(const CLI::Option &option) {
  return value_name(option) == "FILE" || option.check_lname("output") || option.check_lname("library");
}

std::string function_name(const CLI::App &app) {
  std::string name = "_" + app.get_name();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// --- bash ------------------------------------------------------------------------------------------------------------

std::string bash_values(const CLI::Option &option) {
  if (option.check_lname("session"))
    return "local folder=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/mobula}\n"
           "      mapfile -t COMPREPLY < <(cd \"${folder:-/tmp/mobula-$UID}\" 2>/dev/null && compgen -d -- \"$word\")";
  if (is_file(option)) return "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
  const std::vector<std::string> choices = choices_of(option);
  if (choices.empty()) return ":";
  return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")", fmt::join(choices, " "));
}

// What may follow an option of this command.
std::string bash_values_of_options(const CLI::App &app, const std::string &command) {
  std::string text;
  for (const CLI::Option *option : options_of(app)) {
    if (!takes_value(*option) || option->get_positional()) continue;
    std::vector<std::string> cases;
    for (const std::string &flag : flags_of(*option)) cases.push_back(command + "," + flag);
    text += fmt::format("    {})\n      {}\n      return\n      ;;\n", fmt::join(cases, " | "), bash_values(*option));
  }
  return text;
}

std::string words_of(const CLI::App &app) {
  std::vector<std::string> words;
  for (const CLI::App *command : commands_of(app)) words.push_back(command->get_name());
  for (const CLI::Option *option : options_of(app)) {
    for (const std::string &flag : flags_of(*option)) words.push_back(flag);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash_completion(const CLI::App &app) {
  std::vector<std::string> names;
  std::string values = bash_values_of_options(app, "");
  std::string words = fmt::format("    *) words='{}' ;;\n", words_of(app));
  std::string words_of_commands;
  for (const CLI::App *command : commands_of(app)) {
    names.push_back(command->get_name());
    values += bash_values_of_options(*command, command->get_name());
    words_of_commands += fmt::format("    {}) words='{}' ;;\n", command->get_name(), words_of(*command));
  }
  const std::string find_command =
      names.empty() ? ""
                    : fmt::format(
                          "  local i\n"
                          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                          "    case ${{COMP_WORDS[i]}} in\n"
                          "      {})\n        command=${{COMP_WORDS[i]}}\n        break\n        ;;\n"
                          "    esac\n  done\n",
                          fmt::join(names, " | "));
  return fmt::format(
      "# Completion of {0} for bash. Made from its command line when it was built.\n"
      "{1}() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command='' words=''\n"
      "  COMPREPLY=()\n"
      "{2}"
      "  case $command,$previous in\n{3}  esac\n"
      "  case $command in\n{4}{5}  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "}}\n"
      "complete -F {1} {0}\n",
      app.get_name(), function_name(app), find_command, values, words_of_commands, words);
}

// --- zsh -------------------------------------------------------------------------------------------------------------

// Inside of single quotes and brackets.
std::string zsh_text(const std::string &text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '\'')
      escaped += "'\\''";
    else if (letter == '[' || letter == ']' || letter == ':' || letter == '\\')
      escaped += std::string("\\") + letter;
    else
      escaped += letter;
  }
  return escaped;
}

std::string zsh_values(const CLI::Option &option) {
  if (!takes_value(option)) return "";
  const std::string name = zsh_text(value_name(option));
  if (option.check_lname("session")) return fmt::format(":{}:_files -/ -W \"{}\"", name, "${XDG_RUNTIME_DIR}/mobula");
  if (is_file(option)) return fmt::format(":{}:_files", name);
  const std::vector<std::string> choices = choices_of(option);
  return choices.empty() ? fmt::format(":{}:", name) : fmt::format(":{}:({})", name, fmt::join(choices, " "));
}

std::string zsh_arguments(const CLI::App &app) {
  std::string text = "_arguments";
  for (const CLI::Option *option : options_of(app)) {
    for (const std::string &flag : flags_of(*option))
      text += fmt::format(" \\\n    '{}[{}]{}'", flag, zsh_text(option->get_description()), zsh_values(*option));
  }
  return text;
}

std::string zsh_completion(const CLI::App &app) {
  const std::vector<const CLI::App *> commands = commands_of(app);
  const std::string start = fmt::format("#compdef {0}\n# Made from its command line when it was built.\n{1}() {{\n",
                                        app.get_name(), function_name(app));
  const std::string end = fmt::format("}}\n{} \"$@\"\n", function_name(app));
  if (commands.empty()) return start + "  " + zsh_arguments(app) + "\n" + end;
  std::string names;
  std::string cases;
  for (const CLI::App *command : commands) {
    names += fmt::format("    '{}:{}'\n", command->get_name(), zsh_text(command->get_description()));
    cases += fmt::format("  {})\n    {}\n    ;;\n", command->get_name(), zsh_arguments(*command));
  }
  return start + "  local state\n  local -a commands=(\n" + names + "  )\n  " + zsh_arguments(app) +
         " \\\n    '1:command:->command' '*::argument:->argument'\n"
         "  case $state in\n  command)\n    _describe command commands\n    return\n    ;;\n  esac\n"
         "  case $words[1] in\n" +
         cases + "  esac\n" + end;
}

// --- man page --------------------------------------------------------------------------------------------------------

std::string roff(const std::string &text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '\\')
      escaped += "\\e";
    else if (letter == '-')
      escaped += "\\-";
    else
      escaped += letter;
  }
  // A line that begins with one of these would be a command.
  if (!escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'')) escaped.insert(0, "\\&");
  return escaped;
}

std::string roff_options(const CLI::App &app) {
  std::string text;
  for (const CLI::Option *option : options_of(app)) {
    std::vector<std::string> flags;
    for (const std::string &flag : flags_of(*option)) flags.push_back("\\fB" + roff(flag) + "\\fR");
    if (option->get_positional()) flags.push_back("\\fI" + roff(option->get_name()) + "\\fR");
    text += fmt::format(".TP\n{}", fmt::join(flags, ", "));
    if (takes_value(*option) && !option->get_positional()) text += " \\fI" + roff(value_name(*option)) + "\\fR";
    text += "\n" + roff(option->get_description());
    const std::vector<std::string> choices = choices_of(*option);
    if (!choices.empty()) text += roff(fmt::format(". One of: {}", fmt::join(choices, ", ")));
    if (!option->get_default_str().empty()) text += roff(". Default: " + option->get_default_str());
    if (!option->get_envname().empty()) text += roff(". Else from the environment: " + option->get_envname());
    text += ".\n";
  }
  return text;
}

std::string in_capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return text;
}

}  // namespace

std::string completion_of(const CLI::App &app, Shell shell) {
  return shell == Shell::kBash ? bash_completion(app) : zsh_completion(app);
}

std::string man_page_of(const CLI::App &app, const std::string &version) {
  const std::string name = roff(app.get_name());
  const std::vector<const CLI::App *> commands = commands_of(app);
  std::string description = app.get_description();
  if (description.ends_with('.')) description.pop_back();
  std::string text = fmt::format(".TH {} 1 \"\" \"Mobula {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                                 in_capitals(app.get_name()), version, name, roff(description));
  text +=
      fmt::format(".SH SYNOPSIS\n\\fB{}\\fR{} [\\fIoptions\\fR]\n", name, commands.empty() ? "" : " \\fIcommand\\fR");
  text += ".SH OPTIONS\n" + roff_options(app);
  if (!commands.empty()) text += ".SH COMMANDS\n";
  for (const CLI::App *command : commands) {
    text += fmt::format(".SS {}\n{}.\n{}", roff(command->get_name()), roff(command->get_description()),
                        roff_options(*command));
  }
  if (!app.get_footer().empty()) text += ".SH NOTES\n" + roff(app.get_footer()) + "\n";
  return text;
}

void add_page_options(CLI::App *app, const std::string &version) {
  const auto print = [](const std::string &text) {
    std::cout << text;
    throw CLI::Success();
  };
  app->add_option_function<std::string>("--print-completion",
                                        [app, print](const std::string &shell) {
                                          print(completion_of(*app, shell == "zsh" ? Shell::kZsh : Shell::kBash));
                                        })
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->group("");
  app->add_flag_callback("--print-man", [app, print, version] { print(man_page_of(*app, version)); })->group("");
}

}  // namespace mobula::base
