#!/usr/bin/env python3
"""Runs an example on views, cache or pipeline, and compares the figures that it prints with what it promises."""
import argparse
import os
import re
import subprocess
import sys
import tempfile

MIB = r'([0-9.]+) MiB'


def check_reduction(output):
    viewed = re.search(rf'viewed +{MIB}', output)
    by_value = re.search(rf'slices by value +{MIB}', output)
    yield 'a view copied', viewed and float(viewed.group(1)) == 0
    yield 'slices by value were not copied twice', by_value and float(by_value.group(1)) == 2 * 64
    yield from check_ratio(output)


def check_pipeline(output):
    viewed = re.search(rf'viewed +{MIB} +{MIB} +{MIB}', output)
    by_value = re.search(rf'by value +{MIB} +{MIB} +{MIB}', output)
    yield 'a stage that views copied', viewed and all(float(mib) == 0 for mib in viewed.groups())
    yield 'a stage by value did not copy in and out', by_value and all(float(mib) >= 2 * 4 for mib in by_value.groups())
    yield from check_ratio(output)


def check_ratio(output):
    ratio = re.search(r'viewed is ([0-9.]+) times as fast', output)
    yield 'views are not faster than copies', ratio and float(ratio.group(1)) > 1


def check_cache(output):
    def number(name):
        found = re.search(rf'{name} +([0-9.]+)', output)
        return float(found.group(1)) if found else -1
    yield 'nothing was hit', 20 < number('hit rate') < 99
    yield 'nothing was evicted', number('evictions') > 100
    yield 'a stale text', number('stale') == 0
    yield 'more than the store holds, or next to nothing', 4 < number('most in store') <= 16


# Small sizes: the figures are the same.
EXAMPLES = {
    'reduction': (check_reduction, ['--mib', '64', '--tasks', '4']),
    'pipeline': (check_pipeline, ['--side', '1024', '--images', '2']),
    'cache': (check_cache, ['--memory-mib', '16', '--lookups', '5000']),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('example', choices=sorted(EXAMPLES))
    parser.add_argument('program')
    arguments = parser.parse_args()
    check, options = EXAMPLES[arguments.example]
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, XDG_RUNTIME_DIR=folder, MOBULA_WORKERS='2')
        done = subprocess.run([arguments.program] + options, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    print(done.stdout)
    broken = [what for what, holds in check(done.stdout) if not holds]
    if done.returncode != 0:
        broken.append(f'exit status {done.returncode}')
    for what in broken:
        print(f'broken: {what}', file=sys.stderr)
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
