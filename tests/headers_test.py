#!/usr/bin/env python3
"""Compiles each public header alone, as C++17 and as C++20, with warnings as errors; no code is generated."""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wnon-virtual-dtor', '-Werror']


def compile_alone(compiler, include, header, standard):
    """'' or what the compiler said."""
    command = compiler + [f'-std={standard}', '-fsyntax-only', *WARNINGS, f'-I{include}', '-x', 'c++', '-']
    done = subprocess.run(command, input=f'#include <{header}>\n', capture_output=True, text=True)
    return '' if done.returncode == 0 else f'{header} as {standard}:\n{done.stderr}'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--compiler', nargs='+', required=True)
    parser.add_argument('--include', type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    headers = sorted(path.relative_to(arguments.include).as_posix() for path in arguments.include.rglob('*.h'))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(compile_alone, arguments.compiler, arguments.include, header, standard)
                for header in headers for standard in ('c++17', 'c++20')]
        problems = [job.result() for job in jobs if job.result()]
    print('\n'.join(problems))
    print(f'{len(headers)} headers, {len(problems)} problems')
    return 1 if problems or not headers else 0


if __name__ == '__main__':
    sys.exit(main())
