#!/usr/bin/env python3
"""Installs the build into an empty folder and uses it as a stranger would.

Checks the installed files, builds and runs one program with pkg-config alone and one with CMake's find_package, and
that the library exports nothing but mobula::.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PROGRAM = '''
#include <ray/api.h>
#include <iostream>
int twice(int value) { return 2 * value; }
RAY_REMOTE(twice);
int main() {
  ray::Init();
  const int got = *ray::Get(ray::Task(twice).Remote(21));
  ray::Shutdown();
  std::cout << got << std::endl;
  return got == 42 ? 0 : 1;
}
'''
CMAKE = '''
cmake_minimum_required(VERSION 3.16)
project(stranger CXX)
find_package(mobula 0.1 REQUIRED)
add_executable(stranger stranger.cc)
target_link_libraries(stranger PRIVATE mobula::mobula)
'''
PROGRAMS = ['mobula', 'mobula-raylet', 'mobula-worker']
WITH_PAGES = ['mobula', 'mobula-raylet']
OURS = re.compile(r'^((typeinfo|typeinfo name|vtable|VTT|construction vtable|guard variable|(non-)?virtual thunk) '
                  r'(for|to) )?mobula::')


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, **options)
    if done.returncode != 0:
        sys.exit(f'{shlex.join(str(word) for word in command)}\n{done.stdout}\nexit status {done.returncode}')
    return done.stdout


def build_option(build, name):
    options = json.loads(run('meson', 'introspect', '--buildoptions', build))
    return next(option['value'] for option in options if option['name'] == name)


def check_exports(library):
    foreign = []
    for line in run('nm', '-DC', '--defined-only', library).splitlines():
        _, kind, name = line.split(maxsplit=2)
        if kind != 'A' and not OURS.match(name):  # A: the name of a symbol version
            foreign.append(name)
    if foreign:
        sys.exit('the library exports what is not mobula:::\n  ' + '\n  '.join(sorted(foreign)[:40]))


def check_pages(prefix):
    """Man pages and completions, which are made by the programs that are installed."""
    for program in WITH_PAGES:
        for path, mark in [(f'share/man/man1/{program}.1', f'.TH {program.upper()} 1 '),
                           (f'share/bash-completion/completions/{program}', f' {program}\n'),
                           (f'share/zsh/site-functions/_{program}', f'#compdef {program}\n')]:
            if mark not in (prefix / path).read_text(encoding='utf-8'):
                sys.exit(f'{path} is not about {program}')


def build_with_pkg_config(work, root, libdir):
    environment = dict(os.environ, PKG_CONFIG_PATH=str(libdir / 'pkgconfig'), PKG_CONFIG_SYSROOT_DIR=str(root),
                       PKG_CONFIG_ALLOW_SYSTEM_CFLAGS='1', PKG_CONFIG_ALLOW_SYSTEM_LIBS='1')
    flags = shlex.split(run('pkg-config', '--cflags', '--libs', 'mobula', env=environment))
    run('g++', 'stranger.cc', '-o', 'by-pkg-config', *flags, cwd=work)
    return work / 'by-pkg-config'


def build_with_cmake(work, prefix):
    (work / 'CMakeLists.txt').write_text(CMAKE, encoding='utf-8')
    run('cmake', '-G', 'Ninja', '-S', '.', '-B', 'cmake', f'-DCMAKE_PREFIX_PATH={prefix}', cwd=work)
    run('cmake', '--build', 'cmake', cwd=work)
    return work / 'cmake/stranger'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=pathlib.Path)
    build = parser.parse_args().build
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        root = work / 'root'
        run('meson', 'install', '-C', build, '--no-rebuild', '--destdir', root)
        prefix = root / pathlib.Path(build_option(build, 'prefix')).relative_to('/')
        libdir = prefix / build_option(build, 'libdir')
        for name in [libdir / 'libmobula.so', prefix / 'include/ray/api.h', prefix / 'include/mobula/runtime.h']:
            if not name.exists():
                sys.exit(f'not installed: {name.relative_to(root)}')
        programs = {name: prefix / 'bin' / name for name in PROGRAMS}
        for program in programs.values():
            run(program, '--help', env=dict(os.environ, LD_LIBRARY_PATH=str(libdir)))
        check_pages(prefix)
        check_exports(libdir / 'libmobula.so')
        (work / 'stranger.cc').write_text(PROGRAM, encoding='utf-8')
        runtime_dir = work / 'run'
        runtime_dir.mkdir(mode=0o700)
        environment = dict(os.environ, LD_LIBRARY_PATH=str(libdir), XDG_RUNTIME_DIR=str(runtime_dir),
                           MOBULA_RAYLET=str(programs['mobula-raylet']), MOBULA_WORKER=str(programs['mobula-worker']))
        run(build_with_pkg_config(work, root, libdir), env=environment)
        run(build_with_cmake(work, prefix), env=environment)
    print('installed, built by pkg-config and by CMake, ran; exports are mobula:: only')


if __name__ == '__main__':
    main()
