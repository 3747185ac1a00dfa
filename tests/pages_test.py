#!/usr/bin/env python3
"""Compares man pages and shell completions with --help, and runs them.

Every command and option that --help lists must be on the man page and must be offered by the completion of bash, which is
asked as bash asks it. Also, where the programs are there: mandoc finds no fault with the page, zsh and shellcheck with the
scripts.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

OPTION = re.compile(r'^ {2}((?:-\w,)?--[a-z][\w-]*)', re.MULTILINE)
COMMAND = re.compile(r'^ {2}([a-z][\w-]*) ', re.MULTILINE)
ASK_BASH = 'source "$1"; COMP_WORDS=("${@:3}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "$2"; printf "%s\\n" "${COMPREPLY[@]}"'


def run(*command, expected=(0,), text=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False,
                          input=text)
    if done.returncode not in expected:
        sys.exit(f'{" ".join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout + done.stderr


def options_in(help_text):
    return sorted({flag for flags in OPTION.findall(help_text) for flag in flags.split(',')})


def commands_in(help_text):
    _, _, listed = help_text.partition('\nSubcommands:\n')
    return COMMAND.findall(listed)


def offered(script, program, *words):
    """What bash offers when the last of the words is to be completed."""
    function = '_' + program.name.replace('-', '_')
    return set(run('bash', '-c', ASK_BASH, 'bash', script, function, program.name, *words).split())


def check_offers(script, program, command, flags):
    missing = [flag for flag in flags if flag not in offered(script, program, *command, flag[:3])]
    missing += [flag for flag in flags if flag not in offered(script, program, *command, '')]
    return [f'bash offers no {" ".join(command)} {flag}' for flag in missing]


def plain(page):
    """Roff without its escapes."""
    return re.sub(r'\\f[BIR]', '', page).replace('\\-', '-').replace('\\&', '').replace('\\e', '\\')


def part_of(page, command):
    return page.partition(f'\n.SS {command}\n')[2].partition('\n.SS ')[0]


def check_program(program, folder):
    page_path, bash_path, zsh_path = (folder / name for name in ('page.1', 'completion.bash', '_completion'))
    page = run(program, '--print-man')
    page_path.write_text(page, encoding='utf-8')
    bash_path.write_text(run(program, '--print-completion', 'bash'), encoding='utf-8')
    zsh_path.write_text(run(program, '--print-completion', 'zsh'), encoding='utf-8')
    zsh = zsh_path.read_text(encoding='utf-8')
    problems = []
    top = run(program, '--help')
    commands = commands_in(top)
    for command in [[], *[[name] for name in commands]]:
        shown = run(program, *command, '--help')
        flags = options_in(shown)
        if not flags:
            problems.append(f'--help of {command} lists no option')
        text = plain(part_of(page, command[0]) if command else page)
        problems += [f'the man page has no {command} {flag}' for flag in flags
                     if not re.search(rf'{flag}(?![\w-])', text)]
        problems += [f'zsh knows no {command} {flag}' for flag in flags if f"'{flag}[" not in zsh]
        problems += check_offers(bash_path, program, command, flags)
    problems += [f'bash does not offer {name}' for name in commands if name not in offered(bash_path, program, '')]
    problems += [f'zsh does not know {name}' for name in commands if f"'{name}:" not in zsh]
    check_tools(page_path, bash_path, zsh_path)
    return len(commands), problems


def check_tools(page, bash, zsh):
    run('bash', '-n', bash)
    if shutil.which('mandoc'):
        said = run('mandoc', '-T', 'lint', '-W', 'warning', page, expected=(0, 1, 2))
        # A date would make every build another one.
        faults = [line for line in said.splitlines() if 'missing date' not in line]
        if faults:
            sys.exit('mandoc: ' + '\n'.join(faults))
    if shutil.which('zsh'):
        run('zsh', '-n', zsh)
    if shutil.which('shellcheck'):
        run('shellcheck', '--shell=bash', bash)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mobula', type=pathlib.Path, help='the program mobula')
    parser.add_argument('raylet', type=pathlib.Path, help='the program mobula-raylet')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands, problems = check_program(arguments.mobula, pathlib.Path(folder))
        _, more = check_program(arguments.raylet, pathlib.Path(folder))
    if commands == 0:
        problems.append('mobula --help lists no command')
    if not offered_values(arguments.raylet):
        problems.append('bash offers no values of --on-deadlock')
    print('\n'.join([*problems, *more, f'{commands} commands, {len(problems + more)} problems']))
    return 1 if problems or more else 0


def offered_values(raylet):
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / 'completion.bash'
        script.write_text(run(raylet, '--print-completion', 'bash'), encoding='utf-8')
        return offered(script, raylet, '--on-deadlock', '') == {'error', 'warn'}


if __name__ == '__main__':
    sys.exit(main())
