"""Rows of figures as bench/rows.h makes them, for the peers that are Python programs. Standard library only."""
import json
import statistics
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
