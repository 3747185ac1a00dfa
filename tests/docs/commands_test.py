#!/usr/bin/env python3
"""Runs what the documentation shows: every ```sh block of README.md and docs/, against the build folder that is given.

Each block runs by itself from the repository's root, in an XDG_RUNTIME_DIR of its own, which it must leave empty. Also:
links lead to files and headings that exist, sources named in `backticks` exist, and the README's example is
examples/hello.cc. Blocks with placeholders, or that build or install, are marked ```text and are not run.
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
BLOCK_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30
SHOWN_BUILD = 'build/test'  # as the text calls the build folder
EXAMPLE = 'examples/hello.cc'
# Where a name in backticks may begin: in the repository, or as an #include spells it.
SOURCE_ROOTS = ('.', 'lib', 'lib/include')

FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.DOTALL | re.MULTILINE)
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
SOURCE_NAME = re.compile(r'`([a-z_]+(?:/[\w.-]+)+\.(?:h|cc|py|md|fbs|build))`')
HEADING = re.compile(r'^#+ (.*)$', re.MULTILINE)
BUILDS = re.compile(r'\b(meson|ninja|cmake|apt-get)\b|\bscripts/(test|demo|check)\b')


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def blocks(text, language):
    """(line of the opening fence, what is inside) of each fenced block in that language."""
    return [(line_of(text, fence.start()), fence.group(2)) for fence in FENCE.finditer(text)
            if fence.group(1) == language]


def without_blocks(text):
    """Blocks blanked; line numbers stay."""
    return FENCE.sub(lambda fence: re.sub(r'[^\n]', ' ', fence.group(0)), text)


def anchors(text):
    """The names under which a page's headings can be linked to."""
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
            for heading in HEADING.findall(without_blocks(text))}


def check_links(page, text):
    for link in LINK.finditer(without_blocks(text)):
        target, _, anchor = link.group(1).partition('#')
        if re.match(r'\w+:', target):
            continue
        path = page.parent / target if target else page
        if not path.exists():
            yield line_of(text, link.start()), f'links to {target}, which does not exist'
        elif anchor and anchor not in anchors(path.read_text(encoding='utf-8')):
            yield line_of(text, link.start()), f'links to {link.group(1)}: there is no such heading'


def check_source_names(text):
    for name in SOURCE_NAME.finditer(without_blocks(text)):
        first = name.group(1).split('/')[0]
        known = [ROOT / root for root in SOURCE_ROOTS if (ROOT / root / first).is_dir()]
        if known and not any((root / name.group(1)).is_file() for root in known):
            yield line_of(text, name.start()), f'names {name.group(1)}, which does not exist'


def check_example(text):
    example = (ROOT / EXAMPLE).read_text(encoding='utf-8')
    if example not in [code for _, code in blocks(text, 'cpp')]:
        yield 1, f'no ```cpp block has the very bytes of {EXAMPLE}'


def environment_for(build, runtime_dir):
    """The caller's, without what would steer a session, and with this build's programs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(('MOBULA_', 'RAY_'))}
    folders = [str(build / part) for part in ('tools', 'raylet', 'worker', 'examples')]
    environment.update(PATH=':'.join([*folders, environment.get('PATH', os.defpath)]), XDG_RUNTIME_DIR=str(runtime_dir),
                       MOBULA_RAYLET=str(build / 'raylet/mobula-raylet'),
                       MOBULA_WORKER=str(build / 'worker/mobula-worker'), MOBULA_BUILD=str(build))
    return environment


def sessions_in(runtime_dir):
    folder = runtime_dir / 'mobula'
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def stop_sessions(build, runtime_dir, environment):
    """Ends what a block has left; returns the names."""
    left = sessions_in(runtime_dir)
    for name in left:
        subprocess.run([str(build / 'tools/mobula'), 'stop', '--session', name], env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=STOP_SECONDS_MAX, check=False)
    return left


def run_commands(commands, environment):
    """'' or what went wrong."""
    process = subprocess.Popen(['bash', '-euo', 'pipefail', '-c', commands], cwd=ROOT, env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors='replace', start_new_session=True)
    try:
        output, _ = process.communicate(timeout=BLOCK_SECONDS_MAX)
        ended = '' if process.returncode == 0 else f'exit status {process.returncode}'
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, ended = '', f'not through after {BLOCK_SECONDS_MAX} s'
        process.wait()
    return f'{ended}\n{commands}--- output\n{output}' if ended else ''


def run_block(build, block):
    """'' or what went wrong."""
    if BUILDS.search(block):
        return 'it builds or installs: mark it ```text'
    commands = re.sub(rf'(?<![\w./-]){SHOWN_BUILD}(?=/)', lambda _: shlex.quote(str(build)), block)
    with tempfile.TemporaryDirectory(prefix='docs-') as folder:
        runtime_dir = pathlib.Path(folder)
        environment = environment_for(build, runtime_dir)
        problem = run_commands(commands, environment)
        left = stop_sessions(build, runtime_dir, environment)
    return problem or (f'it left sessions behind: {", ".join(left)}\n{commands}' if left else '')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path, help='root of the build folder')
    build = parser.parse_args().build.resolve()
    pages = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
    problems = []
    count = 0
    for page in pages:
        text = page.read_text(encoding='utf-8')
        found = [*check_links(page, text), *check_source_names(text)]
        if page.name == 'README.md':
            found += check_example(text)
        for line, block in blocks(text, 'sh'):
            count += 1
            if problem := run_block(build, block):
                found.append((line, problem))
        problems += [f'{page.relative_to(ROOT)}:{line}: {what}' for line, what in sorted(found)]
    if count == 0:
        problems.append('README.md:1: no ```sh block was found')
    print('\n'.join([*problems, f'{len(pages)} pages, {count} blocks run, {len(problems)} problems']))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
