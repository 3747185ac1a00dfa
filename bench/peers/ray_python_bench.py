#!/usr/bin/env python3
"""Two rows that Ray shows only through its Python API.

"task getting 10000 refs": a task is given a list of so many references, of objects that the driver has put, and gets
them all. In Ray's C++ API references inside a container are not counted, and a Get of them in a task does not return.
"wait_1k": as "single client wait 1k refs" of Ray's own microbenchmark, with its way of calling ray.wait.

Ray is the one that bench/peers/run_on_ray keeps in WORK/venv.
"""
import os
import sys

import rows

REFS = 10_000
WAITED = 1000
WARM_UP_TASKS = 200


def enter_venv(work):
    """Goes on in the Python that has Ray."""
    venv = work / 'venv'
    if rows.is_running_in(venv):
        return
    if not (venv / 'bin/ray').is_file():
        raise RuntimeError(f'no Ray in {venv}: bench/peers/run_on_ray installs it')
    rows.go_on_in(venv)


def measure(table, ray):
    @ray.remote
    def echo(value):
        return value

    @ray.remote
    def sum_of(refs):
        return sum(ray.get(refs))

    def get_all(refs):
        if ray.get(sum_of.remote(refs)) != sum(range(REFS)):
            raise RuntimeError('a task has got something else than what was put')

    def wait_one_by_one():
        left = [echo.remote(1) for _ in range(WAITED)]
        first = True  # Ray remembers what it is to fetch, its own benchmark asks once
        while left:
            _, left = ray.wait(left, fetch_local=first)
            first = False

    for _ in range(WARM_UP_TASKS):
        ray.get(echo.remote(1))
    refs = [ray.put(i) for i in range(REFS)]
    table.measure(f'task getting {REFS} refs', 1, lambda: get_all(refs))
    table.measure('wait_1k', 1, wait_one_by_one)


def main():
    arguments, table = rows.read_arguments(__doc__, 'Ray')
    try:
        enter_venv(arguments.work.absolute())
        os.environ['RAY_USAGE_STATS_ENABLED'] = '0'
        import ray
        ray.init(address='local', include_dashboard=False, log_to_driver=False)
        try:
            measure(table, ray)
        finally:
            ray.shutdown()
    except (OSError, RuntimeError, ImportError) as error:
        print(f'ray_python_bench: {error}', file=sys.stderr)
        return 1
    table.write(arguments.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
