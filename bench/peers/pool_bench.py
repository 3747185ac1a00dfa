#!/usr/bin/env python3
"""What a task costs in Python's own pool of processes: multiprocessing.Pool with two workers, standard library only.

The rows are called as those of bench/ray_api_bench.cc where they mean the same. A pool has no references: what a task is
given or returns goes through a pipe each time, so its row of a large argument has another name.
"""
import array
import multiprocessing
import time

import rows

WORKERS = 2
DOUBLES_PER_MIB = 131072
BATCH = 1000


def echo(value):
    return value


def first_and_last(values):
    return values[0] + values[-1]


def ones(count):
    return array.array('d', [1.0]) * count


def chain(pool, length):
    """A pool's task cannot take the result of one that runs: the driver carries it."""
    value = 1
    for _ in range(length):
        value = pool.apply(echo, (value,))


def measure(table):
    start = time.perf_counter()
    pool = multiprocessing.get_context('fork').Pool(WORKERS)
    ready = time.perf_counter()
    pool.apply(echo, (1,))
    table.add('init', ready - start, 's')
    table.add('first task', time.perf_counter() - ready, 's')
    with pool:
        pool.map(echo, range(200), chunksize=1)
        table.measure_each('task sync', lambda: pool.apply(echo, (1,)))
        table.measure(f'task async batch of {BATCH}', BATCH,
                      lambda: pool.map_async(echo, range(BATCH), chunksize=1).get())
        table.measure('task chain of 100', 100, lambda: chain(pool, 100))
        mib = ones(DOUBLES_PER_MIB)
        table.measure('task with 1 MiB argument', 1, lambda: pool.apply(first_and_last, (mib,)))
        table.measure('task returning 1 MiB', 1, lambda: pool.apply(ones, (DOUBLES_PER_MIB,)))


def main():
    arguments, table = rows.read_arguments(__doc__)
    measure(table)
    table.write(arguments.json)


if __name__ == '__main__':
    main()
