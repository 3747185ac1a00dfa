"""Ten million objects created, shared and dropped: the segment is as before, and the raylet does not grow."""
import pathlib
import time

from . import leaks
from .call_page import CallPage
from .processes import Driver, StormError

WARM_UP_OPERATIONS = 1_000_000  # until the raylet's tables have their size
WARM_UP_PART = 0.2              # and of the samples
SAMPLES = 120
SAMPLE_SECONDS_MIN = 0.01
GRACE_MS = 1000


def resident_kib(pid):
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1])
    raise StormError(f'process {pid} has no VmRSS')


class Churn:
    def __init__(self, session, options, program):
        self.session = session
        self.options = options
        self.program = program
        self.pages = [CallPage(session.folder.parent / f'calls-{i}') for i in range(options.drivers)]
        self.drivers = []
        self.samples = []  # (operations done, KiB)

    def store(self):
        return self.session.status()['store']

    def run_drivers(self, operations, seed):
        """All drivers at once, that many operations together."""
        each = str(operations // len(self.pages))
        with open(self.session.drivers_log_path, 'ab') as errors:
            self.drivers = [Driver([self.program, page.path, str(seed + i), str(self.options.deadline_ms), each], page,
                                   self.session.environment, errors) for i, page in enumerate(self.pages)]

    def watch(self, sample_every):
        """Until all drivers have ended; `sample_every` operations one look at the raylet."""
        next_sample = 0
        while any(driver.process.poll() is None for driver in self.drivers):
            time.sleep(SAMPLE_SECONDS_MIN)
            self.session.require_raylet()
            done = sum(page.read()['calls'] for page in self.pages)
            if done >= next_sample:
                self.samples.append((done, resident_kib(self.session.raylet.pid)))
                next_sample = done + sample_every
            if any(page.overdue_ms(time.monotonic_ns(), GRACE_MS) for page in self.pages):
                raise StormError('hang: a call is past its deadline')
        for driver in self.drivers:
            driver.quitting = True
            problem = driver.collect()
            if problem:
                raise StormError(problem)

    def run(self):
        """What is to be told: figures, and failures in words."""
        self.run_drivers(WARM_UP_OPERATIONS, seed=1000)
        self.watch(sample_every=self.options.leaks)
        before = self.store()
        self.samples.clear()
        began = time.monotonic()
        self.run_drivers(self.options.leaks, seed=1)
        self.watch(sample_every=max(1, self.options.leaks // SAMPLES))
        seconds = time.monotonic() - began
        after = self.store()
        steady = self.samples[int(len(self.samples) * WARM_UP_PART):]
        if len(steady) < leaks.SAMPLES_MIN:
            raise StormError(f'only {len(steady)} samples: give more operations')
        slope = leaks.slope_of([(done / 1e6, kib) for done, kib in steady])
        failures = [f'left behind: {what} {after[what]}, before {before[what]}'
                    for what in ('objects', 'used_bytes') if after[what] != before[what] or after[what] != 0]
        failures += self.session.crashes()
        if not slope.may_be_zero():
            failures.append(f'the raylet grows: {slope.slope:.2f} +- {slope.half_width:.2f} KiB per million operations')
        return {'operations': self.options.leaks, 'processes': len(self.pages), 'seconds': seconds,
                'used_bytes_before': before['used_bytes'], 'used_bytes_after': after['used_bytes'],
                'raylet_kib': slope.level, 'kib_per_million': slope.slope, 'half_width': slope.half_width,
                'samples': len(steady), 'failures': failures}


def describe(result):
    return (f'{result["operations"]} objects created, shared and dropped by {result["processes"]} processes in '
            f'{result["seconds"]:.1f} s\n'
            f'bytes in the store: {result["used_bytes_before"]} before, {result["used_bytes_after"]} after\n'
            f'raylet: {result["raylet_kib"]:.0f} KiB resident, slope {result["kib_per_million"]:+.3f} +- '
            f'{result["half_width"]:.3f} KiB per million operations (99.9 %, {result["samples"]} samples)')
