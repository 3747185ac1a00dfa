#!/usr/bin/env python3
"""Fails on an #include that goes up or sideways.

Layers of lib/, bottom first: base < segment < refs < objects < tasks < metrics < wire < client. raylet, worker and tools
stand on top of lib/ and do not know each other. Public headers (lib/include) know public headers only, and
mobula/runtime.h (with the parts of it: error.h, runtime_*.h) none of the others.
Tests of a layer (tests/<layer>/) are bound like the layer itself.
"""
import argparse
import pathlib
import re
import sys

LAYERS = ['base', 'segment', 'refs', 'objects', 'tasks', 'metrics', 'wire', 'client']
TOPS = ['raylet', 'worker', 'tools']
RUNTIME = re.compile(r'(runtime(_\w+)?|call_site|error)\.h$')  # runtime.h and the headers that are parts of it
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def home_of(path):
    """('public', 'ray'), ('layer', 'refs'), ('top', 'raylet') or None for files without a rule."""
    parts = path.parts
    if parts[:2] == ('lib', 'include'):
        if parts[2] == 'mobula' and RUNTIME.match(parts[-1]):
            return ('public', 'runtime')
        return ('public', parts[2] if len(parts) > 3 else '')
    if parts[0] in ('lib', 'tests') and len(parts) > 2 and parts[1] in LAYERS:
        return ('layer', parts[1])
    if parts[0] == 'tests' and len(parts) > 2 and parts[1] in TOPS:
        return ('top', parts[1])
    if parts[0] in TOPS:
        return ('top', parts[0])
    return None


def complaint(home, target):
    """Why `home` may not include `target`, or None."""
    kind, name = home
    first = target.split('/')[0] if '/' in target else ''
    if target.startswith('../') or '/../' in target:
        return 'includes are relative to lib/ or to the top, never through ..'
    if kind == 'public':
        if first in LAYERS + TOPS:
            return 'a public header knows public headers only'
        is_part = first == 'mobula' and RUNTIME.match(target.split('/')[-1])
        if name == 'runtime' and first in ('ray', 'mobula') and not is_part:
            return 'every other public header stands on mobula/runtime.h, not the other way round'
        return None
    if kind == 'layer':
        if first in TOPS:
            return f'{name} is below {first}'
        if first in LAYERS and LAYERS.index(first) > LAYERS.index(name):
            return f'{name} is below {first}'
        return None
    if first in TOPS and first != name:
        return f'{name} and {first} do not know each other'
    return None


def check(root):
    problems = []
    files = 0
    for folder in ['lib', 'tests'] + TOPS:
        for path in sorted((root / folder).rglob('*')):
            if path.suffix not in ('.h', '.cc') or not path.is_file():
                continue
            files += 1
            home = home_of(path.relative_to(root))
            if home is None:
                continue
            text = path.read_text(encoding='utf-8')
            for match in INCLUDE.finditer(text):
                why = complaint(home, match.group(2))
                if why:
                    line = text.count('\n', 0, match.start(2)) + 1
                    problems.append(f'{path.relative_to(root)}:{line}: includes {match.group(2)}: {why}')
    return files, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    files, problems = check(parser.parse_args().root.resolve())
    for problem in problems:
        print(problem)
    print(f'check_layers: {files} files, {len(problems)} problems')
    return 1 if problems or files == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
