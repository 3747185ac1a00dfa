#!/usr/bin/env python3
"""Runs a program under kills and compares, at random instants, the bytes that `mobula memory` counts with the kernel's.

The sum that the tool makes of the regions must be what it read of the kernel, in every look; and what it read must be
what a stat of the same file says, in every look during which the file did not grow. Ends with "N instants, N equal".
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SECONDS_MAX = 300
PAUSE_S_MAX = 0.02
START_S_MAX = 10
BLOCK_BYTES = 512  # of st_blocks, man 2 stat


def segment_of(raylet_pid):
    """The path of the session's segment among the raylet's descriptors: its largest nameless file."""
    folder = pathlib.Path(f'/proc/{raylet_pid}/fd')
    files = [path for path in folder.iterdir() if path.stat().st_nlink == 0 and path.stat().st_size > 1 << 30]
    return max(files, key=lambda path: path.stat().st_size)


def kernel_bytes(segment):
    return segment.stat().st_blocks * BLOCK_BYTES


class Session:
    def __init__(self, command, environment, chaos):
        self.command, self.environment, self.chaos = command, environment, chaos

    def ask(self, *words):
        done = subprocess.run([self.command, *words, '--session', 'bytes', '--json'], env=self.environment, check=False,
                              capture_output=True, text=True, timeout=SECONDS_MAX)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_for_raylet(self):
        """Its pid, once it can be looked at."""
        for _ in range(int(START_S_MAX * 100)):
            status = self.ask('status')
            if status:
                return status['raylet']['pid']
            try:
                self.chaos.wait(0.01)
                break
            except subprocess.TimeoutExpired:
                pass
        raise RuntimeError('the session did not start')


def look(session, segment):
    """What is wrong with one look, '' for nothing; and whether the file stood still meanwhile."""
    before = kernel_bytes(segment)
    stats = session.ask('memory', '--stats-only')
    after = kernel_bytes(segment)
    if stats is None:
        return 'mobula memory failed', False
    figures = stats['bytes']
    total = sum(figures[part] for part in ('objects', 'pooled', 'free', 'tables'))
    if total != figures['kernel']:
        return f'the tool counts {total} bytes, and reads {figures["kernel"]} of the kernel', False
    if before == after and figures['kernel'] != before:
        return f'the tool reads {figures["kernel"]} bytes of the kernel, stat says {before}', True
    return '', before == after


def watch(session, instants, seed):
    pause = random.Random(seed)
    segment = segment_of(session.wait_for_raylet())
    problems, still = [], 0
    for number in range(instants):
        try:
            session.chaos.wait(pause.uniform(0, PAUSE_S_MAX))
            problems.append(f'instant {number}: the run ended too early')
            break
        except subprocess.TimeoutExpired:
            pass
        problem, stood_still = look(session, segment)
        still += stood_still
        if problem:
            problems.append(f'instant {number}: {problem}')
    print(f'{instants} instants, {instants - len(problems)} equal; in {still} the segment did not grow meanwhile')
    return problems + ([] if still > instants // 2 else ['the segment grew in most of the instants'])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--command', required=True, help='the program mobula')
    parser.add_argument('--program', required=True, help='what runs under kills: tests/chaos-program')
    parser.add_argument('--instants', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='bytes-') as folder:
        environment = dict(os.environ, XDG_RUNTIME_DIR=folder)
        chaos = subprocess.Popen(
            [arguments.command, 'chaos', '--session', 'bytes', '--workers', '2', '--memory', '256MiB', '--kill-workers',
             '10/s', '--kill-drivers', '1/s', '--seed', str(arguments.seed), '--for', f'{SECONDS_MAX}s', '--',
             arguments.program, 'work'], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            problems = watch(Session(arguments.command, environment, chaos), arguments.instants, arguments.seed)
        finally:
            chaos.send_signal(2)  # SIGINT: it ends in order
            chaos.wait(60)
    for problem in problems:
        print(problem)
    if chaos.returncode != 0:
        print(f'mobula chaos ended with status {chaos.returncode}')
    return int(bool(problems) or chaos.returncode != 0)


if __name__ == '__main__':
    sys.exit(main())
