#!/usr/bin/env python3
"""An example of a test framework: its cases pass; with the argument that reveals the leaky case it fails and says why."""
import argparse
import os
import re
import subprocess
import sys
import tempfile

LEAK = re.compile(r'object [0-9a-f]{30} \(sealed, 1 bytes\): 1 handle of this process')


def run(command, folder):
    environment = dict(os.environ, XDG_RUNTIME_DIR=folder, RAY_ADDRESS='a-session-that-is-not-there')
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout


def problems(program, reveal):
    found = []
    with tempfile.TemporaryDirectory() as folder:
        status, output = run([program], folder)
        if status != 0:
            found.append(f'exit status {status} without a leak:\n{output}')
        status, output = run([program, reveal], folder)
        if status == 0:
            found.append(f'exit status 0 although a handle leaked:\n{output}')
        if not LEAK.search(' '.join(output.split())):  # Catch2 breaks lines
            found.append(f'the leaked handle is not named:\n{output}')
        found += [f'left behind: {name}' for name in os.listdir(os.path.join(folder, 'mobula'))]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program')
    parser.add_argument('reveal', help='argument with which the program runs its leaky case, too')
    arguments = parser.parse_args()
    found = problems(arguments.program, arguments.reveal)
    print('\n'.join(found) or 'passes without the leak, fails with it')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
