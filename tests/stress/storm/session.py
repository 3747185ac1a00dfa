"""One session for the storm: started, asked, stopped, and looked through for what it leaves."""
import json
import os
import pathlib
import re
import subprocess
import time

from . import audit, processes

NAME = 'storm'
COMMAND_SECONDS_MAX = 30
READY_SECONDS_MAX = 30
SETTLE_SECONDS_MAX = 10
LOG_RECORDS = 1 << 16  # of the reference log
# What a session whose figures are wrong is asked before it is stopped.
EVIDENCE = (('memory', '--json'), ('list', 'clients', '--json'), ('list', 'tasks', '--json'), ('doctor', '--json'),
            ('trace', '--json'))


# The raylet's errors, signals that it names, a client that it throws out; faults of workers; the C++ runtime's last words.
# Not a template whose driver was killed before the template could say hello: it is told so, and says it.
BROKEN = re.compile(r'SIG(SEGV|ABRT|BUS|ILL|FPE)|\[(error|critical)\]|is disconnected|mobula-worker: (?!no such template)|'
                    r'terminate called|Assertion|Sanitizer')


def broken_lines(text):
    return [line for line in text.splitlines() if BROKEN.search(line)]


class Session:
    def __init__(self, build, folder, workers, memory, page):
        self.mobula = build / 'tools/mobula'
        self.folder = folder
        self.page = page
        self.shmem_before = processes.shmem_bytes()
        self.environment = {**os.environ, 'XDG_RUNTIME_DIR': str(folder), 'RAY_ADDRESS': NAME,
                            'MOBULA_RAYLET': str(build / 'raylet/mobula-raylet'),
                            'MOBULA_WORKER': str(build / 'worker/mobula-worker'), 'MOBULA_CRASH_PAGE': str(page.path)}
        self.log_path = folder.parent / 'raylet.log'
        self.drivers_log_path = folder.parent / 'drivers.log'  # workers' words, too
        self.drivers_log_path.touch()
        self.has_doctor = ' doctor ' in self.run('--help').stdout
        command = [self.environment['MOBULA_RAYLET'], '--foreground', '--session', NAME, '--workers', str(workers),
                   '--memory', memory, '--ref-log', str(LOG_RECORDS),
                   '--library', str(build / 'tests/stress/libkill_mix_tasks.so')]
        with open(self.log_path, 'wb') as log:
            self.raylet = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until_ready()

    def run(self, *arguments):
        return subprocess.run([self.mobula, *arguments], env=self.environment, capture_output=True, text=True,
                              timeout=COMMAND_SECONDS_MAX)

    def is_ready(self):
        """Before its template knows the library's functions, drivers would bring their own."""
        done = self.run('status', '--json', '--session', NAME)
        return done.returncode == 0 and all(one['ready'] for one in json.loads(done.stdout)['templates'])

    def wait_until_ready(self):
        end = time.monotonic() + READY_SECONDS_MAX
        while not self.is_ready():
            self.require_raylet()
            if time.monotonic() > end:
                raise processes.StormError('the session does not get ready')
            time.sleep(0.02)

    def require_raylet(self):
        status = self.raylet.poll()
        if status is not None:
            raise processes.StormError(f'the raylet ended by itself: {processes.describe_stop(status)}')

    def ask(self, what, statuses=(0,)):
        """The JSON that a command prints about the session."""
        try:
            done = self.run(what, '--json', '--session', NAME)
        except subprocess.TimeoutExpired as error:
            raise processes.StormError(f'hang: mobula {what} does not end within {COMMAND_SECONDS_MAX} s') from error
        if done.returncode not in statuses:
            raise processes.StormError(f'mobula {what} ended with {done.returncode}: {done.stderr.strip()}')
        return json.loads(done.stdout)

    def status(self):
        return self.ask('status')

    def look(self):
        """What the audit judges."""
        if not self.has_doctor:
            return audit.read_status(self.status())
        return audit.read_doctor(self.ask('doctor', (0, 3)))

    def evict(self):
        """Frees what only outlives its references, so that what is left then is a leak."""
        for pass_ in (['unpublish', '--all'], ['evict'], ['gc']):
            done = self.run(*pass_, '--session', NAME)
            if done.returncode != 0:
                raise processes.StormError(f'mobula {pass_[0]} ended with {done.returncode}: {done.stderr.strip()}')

    def keep_evidence(self):
        """Beside the logs: what the session's own tools tell of it now."""
        for command in EVIDENCE:
            try:
                said = self.run(*command, '--session', NAME).stdout
            except subprocess.TimeoutExpired as error:
                said = f'{error}\n'
            self.folder.parent.joinpath('-'.join(command[:-1]) + '.json').write_text(said)

    def crashes(self):
        """What the logs tell of processes of ours that broke."""
        return [line for path in (self.log_path, self.drivers_log_path)
                for line in broken_lines(path.read_text(errors='replace'))]

    def stop(self):
        """Stops the session; what it left behind, in words, and the bytes of it."""
        done = self.run('stop', '--session', NAME)
        problems = [] if done.returncode == 0 else [f'mobula stop ended with {done.returncode}: {done.stderr.strip()}']
        try:
            status = self.raylet.wait(SETTLE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return problems + ['hang: the raylet does not stop'], 0
        if status != 0:
            problems.append(f'the raylet ended with {processes.describe_stop(status)}')
        problems += [f'left running: process {pid} {processes.command_line(pid)}' for pid in self.await_children()]
        problems += [f'left behind: file {path}' for path in self.folder.rglob('*') if not path.is_dir()]
        extra = processes.await_shmem(self.shmem_before, SETTLE_SECONDS_MAX)
        if extra > 0:
            problems.append(f'left behind: {extra} bytes of shared memory (or of another program of this machine)')
        return problems, extra

    def await_children(self):
        """Children of ours that do not end although the session has."""
        end = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            left = [pid for pid in processes.children(os.getpid()) if not collect(pid)]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.02)

    def kill(self):
        """After a failed run: nothing may be left of it."""
        for pid in processes.descendants(os.getpid()):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.await_children()


def collect(pid):
    """True when that child has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def new_folder(place):
    """A private XDG_RUNTIME_DIR below `place`."""
    folder = pathlib.Path(place, 'run')
    folder.mkdir(mode=0o700)
    return folder
