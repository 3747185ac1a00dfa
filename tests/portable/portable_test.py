#!/usr/bin/env python3
"""Runs portable programs and compares what they print with what they print on Ray: NAME.expected.

On Mobula by default, from a build folder; with --on-ray on Ray, all of them on one cluster (scripts/on-ray). With a
program of Ray's own (--ray-example, or example.cc of an installed package) both engines run it, and must print the same.
"""
import argparse
import difflib
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM_SECONDS_MAX = 120
CLUSTER_SECONDS_MAX = 900
RESOURCES = '{"disk":2,"port":1}'
NEEDS_A_SESSION = {'detached'}  # what it makes outlives it
EXAMPLE = 'venv/lib/python3*/site-packages/ray/cpp/example/example.cc'


class PortableError(Exception):
    """Something that had to run did not."""


def environment_for(runtime_dir):
    """The caller's, without what would steer a session."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith('RAY_')}
    return {**kept, 'XDG_RUNTIME_DIR': str(runtime_dir)}


def run(command, environment):
    """(exit status, stdout); stderr passes through."""
    try:
        done = subprocess.run([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, errors='replace', timeout=PROGRAM_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return 124, f'(killed after {PROGRAM_SECONDS_MAX} s)\n'
    return done.returncode, done.stdout


def run_on_mobula(program, needs_a_session):
    with tempfile.TemporaryDirectory(prefix='portable-') as folder:
        environment = environment_for(folder)
        if not needs_a_session:
            return run([program], environment)
        command = os.environ.get('MOBULA_COMMAND', 'mobula')
        status, _ = run([command, 'start', '--session', 'portable', '--workers', '4'], environment)
        if status != 0:
            raise PortableError(f'mobula start ended with status {status}')
        try:
            return run([program], {**environment, 'RAY_ADDRESS': 'portable'})
        finally:
            run([command, 'stop', '--session', 'portable'], environment)


def run_on_ray(sources, work):
    """{name: (exit status, stdout)} of the programs, on one cluster."""
    with tempfile.TemporaryDirectory(prefix='portable-') as folder:
        command = [ROOT / 'scripts/on-ray', '--outputs', folder, '--resources', RESOURCES, '--timeout', PROGRAM_SECONDS_MAX]
        command += ['--work', work] if work else []
        subprocess.run([str(word) for word in [*command, *sources]], timeout=CLUSTER_SECONDS_MAX, stdout=sys.stderr)
        found = {}
        for source in sources:
            output, status = (pathlib.Path(folder, f'{source.stem}.{end}') for end in ('stdout', 'status'))
            if not status.is_file():
                raise PortableError(f'{source.name} did not run on Ray')
            found[source.stem] = int(status.read_text()), output.read_text(errors='replace')
        return found


def compare(name, expected, status, output):
    """'' or what is different."""
    if status == 0 and output == expected:
        return ''
    lines = difflib.unified_diff(expected.splitlines(), output.splitlines(), 'on Ray', 'here', lineterm='')
    return '\n'.join([f'{name}: exit status {status}', *lines])


def check(name, status, output, accept):
    path = HERE / f'{name}.expected'
    if accept and status == 0:
        path.write_text(output, encoding='utf-8')
    return compare(name, path.read_text(encoding='utf-8') if path.is_file() else '', status, output)


def build_example(source, folder, arguments):
    """A program that the build does not know, compiled as its compiler would."""
    program = folder / 'example'
    command = shlex.split(os.environ.get('CXX', 'g++'))
    flags = ['-std=c++17', '-w', '-DMSGPACK_NO_BOOST', f'-I{ROOT / "lib/include"}', f'-L{arguments.library}', '-lmobula',
             f'-Wl,-rpath,{arguments.library}', '-pthread']
    done = subprocess.run([*command, str(source), '-o', str(program), *flags], capture_output=True, text=True)
    if done.returncode != 0:
        raise PortableError(f'{source} does not compile on Mobula:\n{done.stderr[-3000:]}')
    return program


def check_example(arguments):
    """None when there is no example; else '' or what is different."""
    work = arguments.work or pathlib.Path(tempfile.gettempdir(), 'mobula-ray-peer')
    source = arguments.ray_example or next(iter(sorted(work.glob(EXAMPLE))), None)
    if source is None:
        return None
    with tempfile.TemporaryDirectory(prefix='portable-') as folder:
        status, output = run_on_mobula(build_example(source, pathlib.Path(folder), arguments), False)
    expected_path = HERE / 'ray_example.expected'
    if arguments.on_ray or arguments.ray_example:
        ray_status, expected = run_on_ray([source.resolve()], arguments.work)[source.stem]
        if ray_status != 0:
            return f'{source}: exit status {ray_status} on Ray'
        if arguments.accept:
            expected_path.write_text(expected, encoding='utf-8')
    else:
        expected = expected_path.read_text(encoding='utf-8')
    return compare(str(source), expected, status, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help='programs of this folder (default: all of them)')
    parser.add_argument('--build', type=pathlib.Path, help='folder with portable-NAME, built by meson')
    parser.add_argument('--on-ray', action='store_true', help='run on Ray instead')
    parser.add_argument('--accept', action='store_true', help='with --on-ray: what Ray prints is what is expected')
    parser.add_argument('--example', action='store_true', help="run Ray's own example instead")
    parser.add_argument('--ray-example', type=pathlib.Path, metavar='FILE', help='the same, with this file, on both')
    parser.add_argument('--library', type=pathlib.Path, help='for the example: folder of libmobula.so')
    parser.add_argument('--work', type=pathlib.Path, help='where Ray is kept (as scripts/on-ray)')
    arguments = parser.parse_args()
    names = arguments.names or sorted(path.stem for path in HERE.glob('*.cc'))
    problems = []
    try:
        if arguments.example or arguments.ray_example:
            if arguments.library is None:
                parser.error('--library is missing')
            names = ['example']
            problem = check_example(arguments)
            if problem is None:
                print("Ray's package is not installed here: its example was not run")
                return 77
            problems.append(problem)
        elif arguments.on_ray:
            found = run_on_ray([HERE / f'{name}.cc' for name in names], arguments.work)
            problems += [check(name, *found[name], arguments.accept) for name in names]
        else:
            if arguments.build is None:
                parser.error('--build is missing')
            for name in names:
                status, output = run_on_mobula(arguments.build / f'portable-{name}', name in NEEDS_A_SESSION)
                problems.append(check(name, status, output, False))
    except (PortableError, OSError, subprocess.TimeoutExpired) as error:
        problems.append(str(error))
    problems = [problem for problem in problems if problem]
    print('\n'.join([*problems, f'{len(names)} programs, {len(problems)} problems']))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
