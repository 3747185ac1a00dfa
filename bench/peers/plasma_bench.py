#!/usr/bin/env python3
"""What an object costs in plasma, the shared-memory store that Ray's is descended from: pyarrow 11, the last with it.

pyarrow comes from PyPI and is kept in WORK/plasma-venv. The rows are called as those of bench/ray_api_bench.cc. A put
creates an object, copies the value into it and seals it; then it is released and deleted, as an object that is dropped
at once. A get copies the value out.
"""
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import time

import rows

PACKAGES = ['pyarrow==11.0.0', 'numpy<2']
STORE_BYTES = 1 << 30
START_SECONDS_MAX = 20
DOUBLES_PER_MIB = 131072
OBJECT_ID_BYTES = 20


def enter_venv(work):
    """Goes on in a Python that has plasma; installs it when it is missing."""
    venv = work / 'plasma-venv'
    python = venv / 'bin/python'
    if rows.is_running_in(venv):
        return
    if not (venv / 'bin/plasma_store').is_file():
        print(f'installing {PACKAGES[0]} into {venv}', file=sys.stderr, flush=True)
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, '-m', 'venv', str(venv)], check=True, stdout=sys.stderr)
        subprocess.run([str(python), '-m', 'pip', 'install', '--quiet', *PACKAGES], check=True, stdout=sys.stderr)
    rows.go_on_in(venv)


def server_program():
    import pyarrow
    return str(pathlib.Path(pyarrow.__file__).parent / 'plasma-store-server')


@contextlib.contextmanager
def running_store(folder):
    """The socket of a store that ends with the block."""
    socket = pathlib.Path(folder, 'store')
    log_path = pathlib.Path(folder, 'log')
    with open(log_path, 'wb') as log:
        # The server itself: the launcher bin/plasma_store would not end it.
        store = subprocess.Popen([server_program(), '-m', str(STORE_BYTES), '-s', str(socket)],
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + START_SECONDS_MAX
        while not socket.exists():
            if store.poll() is not None or time.monotonic() > end:
                raise RuntimeError('plasma_store does not start: ' + log_path.read_text(errors='replace')[-500:])
            time.sleep(0.02)
        yield socket
    finally:
        store.terminate()
        store.wait()


class Store:
    """Puts and gets of arrays."""

    def __init__(self, socket):
        import numpy
        from pyarrow import plasma
        self.numpy, self.plasma = numpy, plasma
        self.client = plasma.connect(str(socket))
        self.number = 0

    def new_id(self):
        self.number += 1
        return self.plasma.ObjectID(self.number.to_bytes(OBJECT_ID_BYTES, 'little'))

    def put(self, values):
        name = self.new_id()
        target = self.client.create(name, values.nbytes)
        self.numpy.copyto(self.numpy.frombuffer(target, dtype=values.dtype), values)
        self.client.seal(name)
        return name

    def put_and_drop(self, values):
        self.client.delete([self.put(values)])

    def get(self, name):
        [buffer] = self.client.get_buffers([name])
        return self.numpy.frombuffer(buffer).copy()


def measure_size(table, store, mib):
    values = store.numpy.ones(mib * DOUBLES_PER_MIB)
    table.measure(f'put {mib} MiB of double', 1, lambda: store.put_and_drop(values))
    name = store.put(values)
    table.measure(f'get {mib} MiB of double', 1, lambda: store.get(name))
    store.client.delete([name])


def measure(table, socket):
    store = Store(socket)
    number = store.numpy.array([7.0])
    table.measure('put small', 1, lambda: store.put_and_drop(number))
    name = store.put(number)
    table.measure('get small', 1, lambda: store.get(name))
    for mib in (1, 64):
        measure_size(table, store, mib)


def main():
    arguments, table = rows.read_arguments(__doc__, 'plasma')
    try:
        enter_venv(arguments.work.absolute())
        with tempfile.TemporaryDirectory(prefix='plasma-') as folder, running_store(folder) as socket:
            measure(table, socket)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f'plasma_bench: {error}', file=sys.stderr)
        return 1
    table.write(arguments.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
