"""A million look-ups by name and weak reference, in a store that evicts all the time, by drivers that are killed."""
import mmap
import os
import random
import struct
import time

from . import audit
from .call_page import CallPage
from .processes import Driver, StormError

DRIVERS = 4             # of tests/stress/floors.h
NAMES = 400
BYTES = 16 + 2 * 8 * NAMES
GRACE_MS = 1000
KILL_SECONDS_MAX = 0.05  # longest pause before the next kill
SETTLE_SECONDS_MAX = 10
QUIT_SECONDS_MAX = 20


class LookUps:
    def __init__(self, session, options, program):
        self.session = session
        self.options = options
        self.program = program
        self.random = random.Random(options.seed)
        self.floors_path = session.folder.parent / 'floors'
        with open(self.floors_path, 'w+b') as file:
            file.truncate(BYTES)
            self.floors = mmap.mmap(file.fileno(), BYTES)
        self.pages = [CallPage(session.folder.parent / f'calls-{i}') for i in range(DRIVERS)]
        self.drivers = [None] * DRIVERS
        self.kills = 0

    def counts(self):
        """Look-ups, and how many of them found something."""
        return struct.unpack_from('<QQ', self.floors)

    def start(self, number, errors):
        command = [self.program, self.pages[number].path, str(self.random.getrandbits(48)),
                   str(self.options.deadline_ms), str(number), self.floors_path]
        self.drivers[number] = Driver(command, self.pages[number], self.session.environment, errors)

    def replace_ended(self, errors):
        for number, driver in enumerate(self.drivers):
            if driver.process.poll() is None:
                continue
            problem = driver.collect()
            if problem:
                raise StormError(problem)
            self.start(number, errors)

    def check_deadlines(self):
        now_ns = time.monotonic_ns()
        for driver in self.drivers:
            if driver.page.overdue_ms(now_ns, GRACE_MS) > 0 and not driver.killed:
                raise StormError(f'hang: a look-up of driver {driver.pid} is past its deadline')

    def kill_one(self):
        driver = self.random.choice(self.drivers)
        if driver.process.poll() is None:
            driver.kill()
            self.kills += 1

    def quit(self):
        for driver in self.drivers:
            driver.quitting = True
            driver.tell('quit')
        end = time.monotonic() + QUIT_SECONDS_MAX
        while any(driver.process.poll() is None for driver in self.drivers):
            if time.monotonic() > end:
                raise StormError('hang: a driver does not quit')
            time.sleep(0.01)
        for driver in self.drivers:
            problem = driver.collect()
            if problem:
                raise StormError(problem)

    def settle(self):
        """What is left when all names are taken off and all that may be evicted is."""
        end = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            self.session.evict()
            quiet = audit.is_quiet(self.session.status(), lambda pid: os.path.exists(f'/proc/{pid}'))
            problems = audit.judge_emptiness(self.session.look(), {})
            if quiet and not problems:
                return []
            if time.monotonic() > end:
                return problems or ['the raylet does not get quiet']
            time.sleep(0.05)

    def run(self):
        """What is to be told: figures, and failures in words."""
        began = time.monotonic()
        with open(self.session.drivers_log_path, 'ab') as errors:
            for number in range(DRIVERS):
                self.start(number, errors)
            while self.counts()[0] < self.options.look_ups:
                time.sleep(self.random.uniform(0, KILL_SECONDS_MAX))
                self.session.require_raylet()
                self.replace_ended(errors)
                self.check_deadlines()
                self.kill_one()
            self.replace_ended(errors)
            self.quit()
        seconds = time.monotonic() - began
        look_ups, hits = self.counts()
        store = self.session.status()['store']
        failures = self.settle() + self.session.crashes()
        if store['evictions'] == 0 or hits in (0, look_ups) or self.kills == 0:
            failures.append('nothing was evicted, killed, found or missed: the run proves nothing')
        return {'look_ups': look_ups, 'hits': hits, 'kills': self.kills, 'evictions': store['evictions'],
                'evicted_bytes': store['evicted_bytes'], 'seconds': seconds, 'seed': self.options.seed,
                'failures': failures}


def describe(result):
    return (f'{result["look_ups"]} look-ups in {result["seconds"]:.1f} s, {result["hits"]} found their object and '
            f'{result["look_ups"] - result["hits"]} nothing; {result["evictions"]} evictions, {result["kills"]} kills; '
            f'{len(result["failures"])} failures')
