"""Rows of figures as bench/rows.h makes them, for the peers that are Python programs, and how these begin. Standard
library only."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

SPANS = 5
ROW_SECONDS, ROW_SECONDS_QUICK = 2.0, 0.5


class Table:
    """Prints rows as they come and keeps them for the file."""

    def __init__(self, row_seconds=ROW_SECONDS):
        self.row_seconds = row_seconds
        self.rows = []

    def add(self, name, value, unit, p99_us=None):
        row = {'name': name, 'value': value, 'unit': unit}
        if p99_us is not None:
            row['p99_us'] = p99_us
        self.rows.append(row)
        tail = '' if p99_us is None else f'   p99 {p99_us:.1f} us'
        print(f'{name:44} {value:16.{4 if unit == "s" else 1}f} {unit}{tail}', flush=True)

    def measure(self, name, times, operation):
        """The median rate of several spans; `operation` does the work `times` times in one call."""
        operation()
        self.add(name, statistics.median(self._span(times, operation) for _ in range(SPANS)), '/s')

    def measure_each(self, name, operation):
        """As measure, for an operation that takes microseconds at least: with the 99th percentile of single ones."""
        each_us = []

        def timed():
            start = time.perf_counter()
            operation()
            each_us.append((time.perf_counter() - start) * 1e6)

        operation()
        rate = statistics.median(self._span(1, timed) for _ in range(SPANS))
        self.add(name, rate, '/s', sorted(each_us)[int(0.99 * (len(each_us) - 1))])

    def _span(self, times, operation):
        start = time.perf_counter()
        elapsed = done = 0
        while elapsed < self.row_seconds / SPANS:
            operation()
            done += times
            elapsed = time.perf_counter() - start
        return done / elapsed

    def write(self, path):
        if path is not None:
            path.write_text(json.dumps(self.rows, indent=1) + '\n', encoding='utf-8')


def read_arguments(description, kept=''):
    """The command line that these programs share, and the table that it asks for. `kept` lies in the folder --work."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE', help='write the rows there, too')
    parser.add_argument('--quick', action='store_true', help='shorter spans of time')
    if kept:
        parser.add_argument('--work', type=pathlib.Path, metavar='FOLDER',
                            default=pathlib.Path(tempfile.gettempdir(), 'mobula-ray-peer'),
                            help=f"where {kept} is kept (default mobula-ray-peer in the system's folder for temporary "
                                 'files)')
    arguments = parser.parse_args()
    return arguments, Table(ROW_SECONDS_QUICK if arguments.quick else ROW_SECONDS)


def is_running_in(venv):
    return pathlib.Path(sys.prefix).resolve() == venv.resolve()


def go_on_in(venv):
    """The same program again, in the Python of that venv. Does not return."""
    python = venv / 'bin/python'
    os.execv(python, [str(python), '-W', 'ignore', *sys.argv])
