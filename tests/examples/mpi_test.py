#!/usr/bin/env python3
"""Runs examples/mpi/ring.cc with two ranks: each array must arrive right, and no session may be left."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SECONDS_MAX = 120
SKIPPED = 77


def launcher():
    """How mpirun is called here: Open MPI wants to be asked for what others just do."""
    version = subprocess.run(['mpirun', '--version'], capture_output=True, text=True, check=False).stdout
    return ['mpirun', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'] if 'Open MPI' in version else ['mpirun']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', type=pathlib.Path)
    program = parser.parse_args().program
    if not shutil.which('mpirun'):
        print('There is no mpirun: skipped (openmpi-bin)')
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix='mpi-') as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith('RAY_')}
        environment['XDG_RUNTIME_DIR'] = folder
        done = subprocess.run([*launcher(), '-np', '2', str(program), '300000'], env=environment, capture_output=True,
                              text=True, timeout=SECONDS_MAX, check=False)
        sessions = pathlib.Path(folder, 'mobula')
        left = sorted(path.name for path in sessions.iterdir()) if sessions.is_dir() else []
    expected = [f'rank {rank} of 2: 300000 doubles from rank {1 - rank}, 0 wrong' for rank in (0, 1)]
    found = sorted(line for line in done.stdout.splitlines() if line.startswith('rank '))
    if done.returncode != 0 or found != expected or left:
        print(f'exit status {done.returncode}, sessions left {left}\n{done.stdout}{done.stderr}')
        return 1
    print('\n'.join(found))
    return 0


if __name__ == '__main__':
    sys.exit(main())
