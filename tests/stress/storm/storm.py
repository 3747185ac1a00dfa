"""The storm itself: kills drivers and workers, half of them anywhere, half at an armed crash point, in rounds."""
import random
import selectors
import signal
import os
import time

from . import audit
from .call_page import CallPage
from .processes import Driver, StormError
from .targets import Targets

GRACE_MS = 1000        # a call that is this much past its deadline hangs
SCAN_SECONDS = 0.005   # between two looks for new workers: reading all slots is the harness's own cost
WATCH_SECONDS = 0.1    # between two looks at the running calls
QUIET_SECONDS_MAX = 15
ANSWER_SECONDS_MAX = 20  # for a driver's answer to a command; its own deadline is what counts
KINDS_APART_MAX = 40   # one kind of kill may be so many ahead of the other
OWN_TEMPLATE_ONE_IN = 8  # drivers that bring their own functions


class Storm:
    def __init__(self, session, page, points, options, programs, progress):
        self.session = session
        self.page = page
        self.options = options
        self.programs = programs  # of a driver: with shared tasks, with its own
        self.progress = progress
        self.random = random.Random(options.seed)
        self.targets = Targets(points, self.random)
        self.selector = selectors.DefaultSelector()
        self.errors = open(session.drivers_log_path, 'ab')
        self.drivers = []
        self.pages = [CallPage(session.folder.parent / f'calls-{i}') for i in range(options.drivers)]
        self.workers = {}       # pid: (pidfd, slot)
        self.doomed = {}        # pid: True when it is a worker; killed at random, not gone yet
        self.kills = {'workers': 0, 'drivers': 0, 'random': 0, 'points': 0}
        self.windows = [[0, 0] for _ in points.names]  # hits at random, armed
        self.outside = 0        # random kills of processes that had passed no point
        self.started = 0
        self.totals = {'calls': 0, 'worker_errors': 0, 'lost': 0, 'other_errors': 0}
        self.answers_us = []
        self.rounds = 0
        self.next_watch = self.next_kill = self.next_scan = time.monotonic()

    # --- drivers and workers ------------------------------------------------------------------------------------------

    def total(self):
        return self.kills['workers'] + self.kills['drivers']

    def fill_up(self):
        """As many drivers as were asked for."""
        used = {driver.page for driver in self.drivers}
        for page in [page for page in self.pages if page not in used]:
            self.started += 1
            program = self.programs[1 if self.started % OWN_TEMPLATE_ONE_IN == 0 else 0]
            command = [program, page.path, str(self.random.getrandbits(48)), str(self.options.deadline_ms)]
            driver = Driver(command, page, self.session.environment, self.errors)
            self.drivers.append(driver)
            self.selector.register(driver.pidfd, selectors.EVENT_READ, ('driver', driver))
            self.selector.register(driver.process.stdout, selectors.EVENT_READ, ('line', driver))

    def find_workers(self):
        """Watches workers that have come. Processes in the page are drivers, the raylet, and workers."""
        self.next_scan = time.monotonic() + SCAN_SECONDS
        own = {driver.pid for driver in self.drivers}
        for pid, (slot, _) in self.page.slots().items():
            if pid in own or pid in self.workers or pid == self.session.raylet.pid:
                continue
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                self.account(pid, slot, self.page.last_point(slot), is_worker=True)  # it came and went
                continue
            self.workers[pid] = (pidfd, slot)
            self.selector.register(pidfd, selectors.EVENT_READ, ('worker', pid))

    def on_driver_end(self, driver):
        pid = driver.pid
        slot = self.page.slots().get(pid, (None, None))
        driver.killed |= self.page.victim() == pid or self.targets.was_armed(slot[1])
        self.selector.unregister(driver.pidfd)
        self.selector.unregister(driver.process.stdout)
        self.drivers.remove(driver)
        self.add_figures(driver.page)
        problem = driver.collect()
        if problem:
            raise StormError(problem)
        self.account(pid, *slot, is_worker=False)

    def on_worker_end(self, pid):
        pidfd, slot = self.workers.pop(pid)
        self.selector.unregister(pidfd)
        os.close(pidfd)
        self.account(pid, slot, self.page.last_point(slot), is_worker=True)

    def account(self, pid, slot, point, is_worker):
        """Counts the death if it was a kill, and gives the slot back."""
        at_point = self.page.victim() == pid
        if at_point:
            self.page.disarm()
            self.page.forget_victim()
            self.targets.hit(point)
        if at_point or pid in self.doomed:
            self.kills['points' if at_point else 'random'] += 1
            self.kills['workers' if is_worker else 'drivers'] += 1
            if point is None:
                self.outside += 1
            else:
                self.windows[point][at_point] += 1
        self.doomed.pop(pid, None)
        if slot is not None:
            self.page.give_back(slot, pid)

    def add_figures(self, page):
        figures = page.read()
        for what in self.totals:
            self.totals[what] += figures[what]
        self.answers_us += page.answers_us()

    # --- the loop -----------------------------------------------------------------------------------------------------

    def wait(self, seconds):
        """Handles what happens in that time; returns after the first thing that does."""
        for key, _ in self.selector.select(max(seconds, 0)):
            kind, who = key.data
            if kind == 'line' and who in self.drivers:
                who.read()
            elif kind == 'driver' and who in self.drivers:
                self.on_driver_end(who)
            elif kind == 'worker' and who in self.workers:
                self.on_worker_end(who)
        if time.monotonic() >= self.next_watch:
            self.next_watch = time.monotonic() + WATCH_SECONDS
            self.watch()

    def watch(self):
        self.session.require_raylet()
        now_ns = time.monotonic_ns()
        for driver in self.drivers:
            overdue = driver.page.overdue_ms(now_ns, GRACE_MS)
            if overdue > 0 and driver.pid not in self.doomed:
                figures = driver.page.read()
                raise StormError(f'hang: operation {figures["operation"]} of driver {driver.pid} is '
                                 f'{overdue + GRACE_MS} ms past its deadline of {figures["deadline_ms"]} ms')
        self.progress(self)

    def may_kill(self):
        """Not before the last one is gone, and not many more than at points."""
        few = self.options.at_random or self.kills['random'] <= self.kills['points'] + KINDS_APART_MAX
        return few and not self.doomed

    def kill_at_random(self):
        """Somebody, anywhere."""
        if not self.may_kill() or time.monotonic() < self.next_kill:
            return
        pause = self.random.uniform(0, self.options.pause_ms) / 1000
        self.next_kill = time.monotonic() + pause
        workers = sorted(self.workers)
        if self.random.random() < 0.5 and workers:
            self.kill_worker(self.random.choice(workers))
        else:
            driver = self.random.choice(self.drivers)
            driver.kill()
            self.doomed[driver.pid] = False

    def kill_worker(self, pid):
        now_ns = time.monotonic_ns()
        for driver in self.drivers:
            driver.page.announce_kill(now_ns)
        try:
            signal.pidfd_send_signal(self.workers[pid][0], signal.SIGKILL)
            self.doomed[pid] = True
        except ProcessLookupError:
            pass  # it has ended by itself

    def may_arm(self):
        """Not while a victim is dying, for then it could not be told from the next one."""
        return (not self.options.at_random and self.targets.must_change() and self.page.victim() == 0
                and self.kills['points'] <= self.kills['random'] + KINDS_APART_MAX)

    def run_round(self, kills):
        """Kills so many, then lets everybody pause, and audits."""
        end = min(self.total() + kills, self.options.kills)
        while self.total() < end:
            self.fill_up()
            if time.monotonic() >= self.next_scan:
                self.find_workers()
            self.kill_at_random()
            if self.may_arm():
                self.page.arm(*self.targets.choose(self.page.passes()))
            self.wait(self.next_kill - time.monotonic() if self.may_kill() else SCAN_SECONDS)
        self.page.disarm()
        self.targets.disarmed()
        while self.doomed or self.page.victim() != 0:
            self.find_workers()
            self.wait(WATCH_SECONDS)
        self.fill_up()
        self.audit()
        self.rounds += 1

    # --- the quiet moments ----------------------------------------------------------------------------------------------

    def ask_all(self, word, answer):
        """{driver: its answer}."""
        answers = {}
        for driver in self.drivers:
            driver.tell(word)
        end = time.monotonic() + ANSWER_SECONDS_MAX + self.options.deadline_ms / 1000
        while len(answers) < len(self.drivers):
            self.wait(WATCH_SECONDS)
            if len(self.drivers) < self.options.drivers:
                raise StormError('a driver ended at a quiet moment')
            for driver in self.drivers:
                line = driver.take_line(answer)
                if line is not None:
                    answers[driver] = line
            if time.monotonic() > end:
                silent = [driver.pid for driver in self.drivers if driver not in answers]
                raise StormError(f'hang: no answer to "{word}" from {silent}')
        return answers

    def alive(self, pid):
        self.find_workers()
        return pid in self.workers or any(driver.pid == pid for driver in self.drivers) or os.path.exists(f'/proc/{pid}')

    def settle(self, judge, said):
        """What is still wrong when the raylet had time to get quiet."""
        end = time.monotonic() + QUIET_SECONDS_MAX
        while True:
            quiet = audit.is_quiet(self.session.status(), self.alive)
            problems = judge(self.session.look(), said)
            if quiet and not problems:
                return []
            if time.monotonic() > end:
                return problems + ([] if quiet else [f'the raylet does not get quiet: {self.session.status()}'])
            self.wait(0.02)

    def audit(self):
        said = {}
        for driver, line in self.ask_all('pause', 'holding ').items():
            said[driver.pid] = dict(zip(('objects', 'handles', 'pins'), map(int, line.split())))
        problems = self.settle(audit.judge_holdings, said)
        if not problems:
            self.ask_all('drop', 'dropped')
            self.session.evict()
            problems = self.settle(audit.judge_emptiness, said)
        crashes = self.session.crashes()
        if problems or crashes:
            self.session.keep_evidence()
            raise StormError('\n'.join(problems + crashes))
        for driver in self.drivers:
            driver.tell('go')

    def run(self):
        self.fill_up()
        while self.total() < self.options.kills:
            self.run_round(self.options.round)
        for driver in self.drivers:
            driver.quitting = True
            driver.tell('quit')
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while self.drivers:
            self.wait(WATCH_SECONDS)
            if time.monotonic() > end:
                raise StormError(f'hang: drivers {[driver.pid for driver in self.drivers]} do not quit')
        self.session.evict()
        problems = self.settle(audit.judge_emptiness, {})
        if problems:
            raise StormError('\n'.join(problems))
