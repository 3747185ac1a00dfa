"""Processes of the storm: drivers, and what a session may leave behind."""
import ctypes
import os
import pathlib
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
SHMEM_TOLERANCE_BYTES = 1 << 20


class StormError(Exception):
    """What the storm cannot go on with: the run has failed."""


def become_subreaper():
    """Whatever a session starts and does not end becomes a child of ours, where it is seen."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl(PR_SET_CHILD_SUBREAPER)')


def children(pid):
    """Pids of the children of a process, dead ones that nobody has collected included."""
    found = []
    for thread in pathlib.Path(f'/proc/{pid}/task').glob('*/children'):
        try:
            found += map(int, thread.read_text().split())
        except OSError:
            pass
    return found


def descendants(pid):
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def command_line(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace').strip()
    except OSError:
        return ''


def shmem_bytes():
    for line in pathlib.Path('/proc/meminfo').read_text().splitlines():
        if line.startswith('Shmem:'):
            return int(line.split()[1]) * 1024
    return 0


def await_shmem(before, seconds_max):
    """Bytes of shared memory that the machine has more than before, once it has settled; a little is somebody else's."""
    end = time.monotonic() + seconds_max
    while True:
        extra = shmem_bytes() - before
        if extra <= SHMEM_TOLERANCE_BYTES:
            return 0
        if time.monotonic() > end:
            return extra
        time.sleep(0.1)  # the kernel has no event for this figure


def describe_stop(status):
    """Exit status as Popen gives it, in words."""
    if status >= 0:
        return f'exit status {status}'
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f'signal {-status}'


class Driver:
    """One driver process: its pipes, its page, and what it says."""

    def __init__(self, command, page, environment, errors):
        self.page = page
        self.page.clear()
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=errors, bufsize=0)
        self.pid = self.process.pid
        self.pidfd = os.pidfd_open(self.pid)
        self.output = b''
        self.lines = []
        self.killed = False  # by us, or at an armed point
        self.quitting = False
        os.set_blocking(self.process.stdout.fileno(), False)

    def tell(self, word):
        try:
            self.process.stdin.write(word.encode() + b'\n')
        except BrokenPipeError:
            pass  # it died: its pidfd says so

    def read(self):
        """Takes the lines that have come."""
        try:
            got = self.process.stdout.read()
        except OSError:
            got = b''
        *lines, self.output = (self.output + (got or b'')).split(b'\n')
        self.lines += [line.decode(errors='replace') for line in lines]

    def take_line(self, start):
        """The first unread line that starts so, without the start; None when there is none yet."""
        for number, line in enumerate(self.lines):
            if line.startswith(start):
                del self.lines[number]
                return line[len(start):].strip()
        return None

    def kill(self):
        self.killed = True
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def collect(self):
        """After its end: what was wrong with it, or None."""
        status = self.process.wait()
        self.read()
        os.close(self.pidfd)
        self.process.stdin.close()
        self.process.stdout.close()
        failure = self.take_line('failure ')
        if failure is not None:
            return f'driver {self.pid}: {failure}'
        if (status == -signal.SIGKILL and self.killed) or (status == 0 and self.quitting):
            return None
        return f'driver {self.pid} ended by itself: {describe_stop(status)}'
