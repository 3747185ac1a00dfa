#!/usr/bin/env python3
"""Runs what docs/debugging.md shows: each ```console block, against the build folder that is given.

The commands of one section run in one shell, in an XDG_RUNTIME_DIR of their own. What the page shows after a command must
come in that order: a line "..." stands for any lines, "..." in a line for any text. Numbers, sizes, ages and
object ids may be others, and so may the width of columns. Sessions and programs that a section leaves are a problem.
"""
import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs/debugging.md'
SECTION_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30
SKIP = '...'
END_OF_COMMAND = '--- end of command'

SECTION = re.compile(r'^## (.*?)\n(.*?)(?=^## |\Z)', re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r'^```console\n(.*?)^```$', re.DOTALL | re.MULTILINE)
NORMAL = (
    (re.compile(r'\S*/(?=examples/debugging/)'), ''),      # where the build folder is
    (re.compile(r'\b[0-9a-f]{30}\b'), 'ID'),
    (re.compile(r'\d[\d,.:]*\d|\d'), 'N'),
    (re.compile(r'\bN (bytes|KiB|MiB|GiB)\b'), 'SIZE'),
    (re.compile(r'\bN (us|ms|s|min|h)\b'), 'TIME'),
    (re.compile(r'\bprocess(es)?\b'), 'process'),
    (re.compile(r'\b(\w+?)s?\b(?<=[a-z])'), r'\1'),         # 1 object, 2 objects
    (re.compile(r'\s+'), ' '),
)


def normal(line):
    for pattern, replacement in NORMAL:
        line = pattern.sub(replacement, line)
    return line.strip()


def commands_in(section):
    """(command, shown lines) of each "$ " line and its continuations."""
    found = []
    for block in BLOCK.finditer(section):
        for line in block.group(1).splitlines():
            if line.startswith('$ '):
                found.append((line[2:], []))
            elif line.startswith('> '):
                found[-1] = (found[-1][0] + '\n' + line[2:], found[-1][1])
            elif found:
                found[-1][1].append(line)
    return found


def fits(shown, line):
    """"..." in a line stands for any text."""
    pattern = ' ?.* ?'.join(re.escape(normal(part)) for part in shown.split(SKIP))
    return re.fullmatch(pattern, normal(line)) is not None


def missing_line(shown, output):
    """The first shown line that the output does not have where it should; '' when it has all, and nothing more."""
    places = {0}  # how much of the output may belong to the lines so far
    for line in shown:
        if line.strip() == SKIP:
            places = set(range(min(places), len(output) + 1))
        else:
            places = {place + 1 for place in places if place < len(output) and fits(line, output[place])}
        if not places:
            return line
    return '' if len(output) in places else f'nothing more: {output[max(places)]}'


def environment_for(build, runtime_dir):
    """The caller's, without what would steer a session, and with this build's programs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(('MOBULA_', 'RAY_'))}
    folders = [str(build / part) for part in ('tools', 'raylet', 'worker')]
    environment.update(PATH=':'.join([*folders, environment.get('PATH', os.defpath)]), XDG_RUNTIME_DIR=str(runtime_dir),
                       MOBULA_RAYLET=str(build / 'raylet/mobula-raylet'),
                       MOBULA_WORKER=str(build / 'worker/mobula-worker'))
    return environment


def run(commands, build, folder):
    """The output of each command, by lines; what was not run has none."""
    script = f'exec 2>&1\ncd {shlex.quote(str(folder))}\nln -s {shlex.quote(str(build / "examples"))} examples\n'
    script += ''.join(f'{command}\necho {shlex.quote(END_OF_COMMAND)}\n' for command, _ in commands)
    process = subprocess.Popen(['bash', '-c', script], env=environment_for(build, folder), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True, errors='replace', start_new_session=True)
    try:
        output, _ = process.communicate(timeout=SECTION_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    parts = output.split(END_OF_COMMAND + '\n')[:len(commands)]
    return [part.splitlines() for part in parts] + [[]] * (len(commands) - len(parts))


def sessions_left(build, folder):
    """Ends them."""
    sessions = folder / 'mobula'
    left = sorted(path.name for path in sessions.iterdir()) if sessions.is_dir() else []
    for name in left:
        subprocess.run([str(build / 'tools/mobula'), 'stop', '--session', name], env=environment_for(build, folder),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=STOP_SECONDS_MAX, check=False)
    return left


def problems_in(title, section, build, show):
    commands = commands_in(section)
    with tempfile.TemporaryDirectory(prefix='debugging-', ignore_cleanup_errors=True) as name:
        outputs = run(commands, build, pathlib.Path(name))
        left = sessions_left(build, pathlib.Path(name))
    for (command, shown), output in zip(commands, outputs):
        if show:
            print('\n'.join([f'$ {command}', *output]))
        elif missing := missing_line(shown, output):
            yield '\n'.join([f'{title}: {command}', f'  does not print: {missing}', '  but:', *output])
    if left:
        yield f'{title}: it left sessions behind: {", ".join(left)}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path, help='root of the build folder')
    parser.add_argument('--section', default='', help='only those with this text in their heading')
    parser.add_argument('--show', action='store_true', help='print what the commands print, and compare nothing')
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    problems = []
    count = 0
    for section in SECTION.finditer(PAGE.read_text(encoding='utf-8')):
        title, text = section.groups()
        if arguments.section not in title or not BLOCK.search(text):
            continue
        count += len(commands_in(text))
        problems += problems_in(title, text, build, arguments.show)
    print('\n'.join([*problems, f'{count} commands run, {len(problems)} problems']))
    return 1 if problems or count == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
