#!/usr/bin/env python3
"""Misuse of drafts and views, and what MOBULA_PORTABLE forbids, must not compile; beside each stands a control that must."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

PRELUDE = '''
#include <ray/api.h>
#include <mobula/batch.h>
#include <mobula/draft.h>
#include <mobula/put.h>
#include <mobula/view.h>
#if __cplusplus >= 202002L
#include <span>
#endif
#include <string>
#include <vector>
struct Point { double x, y; };
struct Named { std::string name; MSGPACK_DEFINE(name) };
'''

# (what, right, wrong): bodies of a function.
CASES = [
    ('seal of an lvalue',
     'auto draft = mobula::create<double>(3); std::move(draft).seal();',
     'auto draft = mobula::create<double>(3); draft.seal();'),
    ('a copy of a draft',
     'auto draft = mobula::create<double>(3); auto other = std::move(draft);',
     'auto draft = mobula::create<double>(3); auto other = draft;'),
    ('a write through a view',
     'auto view = mobula::view(mobula::create<double>(3).seal()); double x = view[0]; (void)x;',
     'auto view = mobula::view(mobula::create<double>(3).seal()); view[0] = 1;'),
    ('a pointer to non-const from a view',
     'auto view = mobula::view(mobula::create<double>(3).seal()); const double *p = view.data(); (void)p;',
     'auto view = mobula::view(mobula::create<double>(3).seal()); double *p = view.data(); (void)p;'),
    ('a write through an iterator of a view',
     'auto view = mobula::view(mobula::create<double>(3).seal()); for (const double &x : view) (void)x;',
     'auto view = mobula::view(mobula::create<double>(3).seal()); for (double &x : view) x = 1;'),
    ('a write to a viewed struct',
     'auto view = mobula::view(mobula::put(Point{1, 2})); double x = view->x; (void)x;',
     'auto view = mobula::view(mobula::put(Point{1, 2})); view->x = 1;'),
    ('a write through a sealed reference',
     'ray::ObjectRef<std::vector<double>> object = mobula::create<double>(3).seal(); object.Get();',
     'ray::ObjectRef<std::vector<double>> object = mobula::create<double>(3).seal(); object[0] = 1;'),
    ('a view of what msgpack packs',
     'mobula::view(ray::ObjectRef<std::vector<Point>>());',
     'mobula::view(ray::ObjectRef<Named>());'),
    ('a draft of what msgpack packs',
     'mobula::create<Point>();',
     'mobula::create<Named>();'),
    ('a draft of a vector without its length',
     'mobula::create<std::vector<double>>(3);',
     'mobula::create<std::vector<double>>();'),
    ('the arrow of a view of an array',
     'auto view = mobula::view(ray::Put(Point{1, 2})); (void)view->x;',
     'auto view = mobula::view(ray::Put(std::vector<Point>(3))); (void)view->x;'),
]
SPAN_CASES = [
    ('a writable span of a view',
     'std::span<const double> s = mobula::View<std::vector<double>>(); (void)s;',
     'mobula::View<std::vector<double>> view; std::span<double> s = view; (void)s;'),
    ('a span of a temporary draft',
     'auto draft = mobula::create<double>(3); std::span<double> s = draft; (void)s;',
     'std::span<double> s = mobula::create<double>(3); (void)s;'),
]
# Seen by clang's consumed analysis only.
CONSUMED_CASES = [
    ('an element written after seal',
     'auto draft = mobula::create<double>(3); draft[0] = 1; std::move(draft).seal();',
     'auto draft = mobula::create<double>(3); std::move(draft).seal(); draft[0] = 1;'),
    ('data() after seal',
     'auto draft = mobula::create<double>(3); draft.data(); std::move(draft).seal();',
     'auto draft = mobula::create<double>(3); std::move(draft).seal(); draft.data();'),
    ('two seals',
     'auto draft = mobula::create<Point>(); draft->x = 1; std::move(draft).seal();',
     'auto draft = mobula::create<Point>(); std::move(draft).seal(); std::move(draft).seal();'),
    ('a use after a move',
     'auto draft = mobula::create<double>(3); auto other = std::move(draft); other[0] = 1;',
     'auto draft = mobula::create<double>(3); auto other = std::move(draft); draft[0] = 1;'),
]

# With MOBULA_PORTABLE.
PORTABLE_PRELUDE = '''
#include <ray/api.h>
struct Packed { int x; MSGPACK_DEFINE(x) };
struct Plain { int x; };
inline int plus(int left, int right) { return left + right; }
inline int take(ray::ObjectRef<int> object) { return *object.Get(); }
RAY_REMOTE(plus, take);
'''
PORTABLE_CASES = [
    ('a name of mobula::',
     'ray::ObjectRef<int> object = ray::Put(1); (void)object;',
     'mobula::Reference reference; (void)reference;'),
    ('a function of mobula::runtime',
     'ray::Shutdown();',
     'mobula::runtime::shutdown();'),
    ('using namespace mobula',
     'using namespace ray; Init();',
     'using namespace mobula;'),
    ('a struct that msgpack does not pack',
     'ray::Put(Packed{1});',
     'ray::Put(Plain{1});'),
    ('an ObjectRef parameter',
     'ray::Task(plus).Remote(ray::Put(1), 2);',
     'ray::Task(take).Remote(ray::Put(1));'),
]


def compile_bodies(command, bodies, prelude=PRELUDE):
    """'' or what the compiler said."""
    functions = '\n'.join(f'void body{i}();\nvoid body{i}() {{ {body} }}' for i, body in enumerate(bodies))
    done = subprocess.run(command, input=f'{prelude}\n{functions}\n', capture_output=True, text=True)
    return '' if done.returncode == 0 else done.stderr or 'no reason given'


def reachable(include, header, found):
    """The public headers that `header` includes, itself among them."""
    if header not in found:
        found.add(header)
        for name in re.findall(r'#include [<"]((?:mobula|ray)/[^>"]+)[>"]', (include / header).read_text(encoding='utf-8')):
            reachable(include, name, found)
    return found


def portable_jobs(command, include):
    """Of mobula/ only what ray/ needs compiles; all of ray/ does, also after ray/api.h."""
    headers = sorted(path.relative_to(include).as_posix() for path in include.rglob('*.h'))
    allowed = set()
    for header in headers:
        if header.startswith('ray/'):
            reachable(include, header, allowed)
    late = '\n'.join(f'#include <{header}>' for header in headers if header.startswith('ray/'))
    yield check_controls, command, [], f'#include <ray/api.h>\n{late}'
    for header in set(headers) - allowed:
        yield check_misuse, [*command, '-Wfatal-errors'], (header, '', ''), f'#include <{header}>'


def check_controls(command, cases, prelude):
    """'' or what is wrong."""
    errors = compile_bodies(command, [right for _, right, _ in cases], prelude)
    return errors and f'a control does not compile with {" ".join(command)}:\n{errors}'


def check_misuse(command, case, prelude):
    what, _, wrong = case
    return '' if compile_bodies(command, [wrong], prelude) else f'{what}: compiles with {" ".join(command)}'


def command_of(compiler, include, standard, *flags):
    return [*compiler, f'-std={standard}', '-fsyntax-only', *flags, f'-I{include}', '-x', 'c++', '-']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--compiler', nargs='+', required=True)
    parser.add_argument('--clang', default='clang++', help='for the cases that only clang sees; left out without it')
    parser.add_argument('--include', type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    portable = command_of(arguments.compiler, arguments.include, 'c++17', '-DMOBULA_PORTABLE')
    groups = [(command_of(arguments.compiler, arguments.include, 'c++17'), CASES, PRELUDE),
              (command_of(arguments.compiler, arguments.include, 'c++20'), SPAN_CASES, PRELUDE),
              (portable, PORTABLE_CASES, PORTABLE_PRELUDE)]
    clang = shutil.which(arguments.clang)
    if clang:
        consumed = command_of([clang], arguments.include, 'c++17', '-Wconsumed', '-Werror=consumed')
        groups.append((consumed, CONSUMED_CASES, PRELUDE))
    jobs = [(check_controls, command, cases, prelude) for command, cases, prelude in groups]
    jobs += [(check_misuse, command, case, prelude) for command, cases, prelude in groups for case in cases]
    jobs += portable_jobs(portable, arguments.include)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda job: job[0](*job[1:]), jobs) if problem]
    print('\n'.join(problems))
    print(f'{len(jobs) - len(groups)} cases, {len(problems)} problems' + ('' if clang else '; without clang++'))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
