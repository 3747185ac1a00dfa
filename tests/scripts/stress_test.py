"""The storm's judgement can fail: every kind of wrong answer of a session is noticed (scripts/stress)."""
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tests/stress'))
sys.dont_write_bytecode = True
from storm import audit, call_page, crash_page, leaks, processes, report, session, targets  # noqa: E402

SAID = {10: {'objects': 3, 'handles': 5, 'pins': 1}, 11: {'objects': 0, 'handles': 0, 'pins': 0}}


def doctor(handles=5, pid=10, problems=(), objects=3, used=4096):
    """An answer of `mobula doctor --json` about two drivers and a worker."""
    return {'ok': not problems, 'problems': list(problems), 'objects': objects,
            'bytes': {'used': used, 'pooled': 64, 'reserved': 8192, 'kernel': 8192},
            'clients': [{'id': 1, 'pid': pid, 'kind': 'driver', 'objects': 3, 'handles': handles, 'pins': 1},
                        {'id': 2, 'pid': 11, 'kind': 'driver', 'objects': 0, 'handles': 0, 'pins': 0},
                        {'id': 3, 'pid': 12, 'kind': 'worker', 'objects': 0, 'handles': 0, 'pins': 0}]}


class Audit(unittest.TestCase):
    def judge(self, answer, said=None):
        return '\n'.join(audit.judge_holdings(audit.read_doctor(answer), said or SAID))

    def test_the_truth_passes(self):
        self.assertEqual(self.judge(doctor()), '')

    def test_one_handle_too_many_fails(self):
        self.assertIn('count too high: driver 10 holds 5 handles, the session says 6', self.judge(doctor(handles=6)))

    def test_one_handle_too_few_fails(self):
        self.assertIn('count too low: driver 10 holds 5 handles, the session says 4', self.judge(doctor(handles=4)))

    def test_a_driver_that_the_session_does_not_know_fails(self):
        self.assertIn('driver 10 is no client', self.judge(doctor(pid=99)))

    def test_somebody_else_who_holds_something_fails(self):
        self.assertIn('count too high: process 10 holds nothing', self.judge(doctor(), {11: SAID[11]}))

    def test_what_the_doctor_finds_fails(self):
        found = [{'ledger': 'handles', 'text': 'entry 7 has a bit of a client that is gone'}]
        self.assertIn('audit: handles: entry 7', self.judge(doctor(problems=found)))

    def test_objects_and_bytes_after_the_drop_fail(self):
        empty = audit.read_doctor({**doctor(objects=0, used=0), 'clients': []})
        self.assertEqual(audit.judge_emptiness(empty, {}), [])
        self.assertEqual(audit.judge_emptiness({**empty, 'objects': 1}, {}), ['left behind: objects 1'])
        self.assertEqual(audit.judge_emptiness({**empty, 'used_bytes': 64}, {}), ['left behind: used_bytes 64'])

    def test_status_alone_still_counts_objects(self):
        status = {'store': {'objects': 3, 'used_bytes': 1}, 'clients': [{'pid': 10, 'objects_held': 4}]}
        found = audit.judge_holdings(audit.read_status(status), {10: SAID[10]})
        self.assertEqual(found, ['count too high: driver 10 holds 3 objects, the session says 4'])

    def test_tasks_and_dead_clients_are_not_quiet(self):
        status = {'tasks': {'queued': 0, 'running': 0}, 'clients': [{'pid': 10}]}
        self.assertTrue(audit.is_quiet(status, lambda pid: True))
        self.assertFalse(audit.is_quiet(status, lambda pid: False))
        self.assertFalse(audit.is_quiet({**status, 'tasks': {'queued': 0, 'running': 1}}, lambda pid: True))


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name, 'page')

    def tearDown(self):
        self.folder.cleanup()

    def test_a_call_past_its_deadline_and_the_grace_is_a_hang(self):
        page = call_page.CallPage(self.path)
        call_page.HEAD.pack_into(page.memory, 0, 1_000_000, 500, 3, 7, 0, 0, 0, 0, 0)
        self.assertEqual(page.overdue_ms(1_000_000 + 1_500_000_000, 1000), 0)
        self.assertEqual(page.overdue_ms(1_000_000 + 1_501_000_000, 1000), 1)
        call_page.HEAD.pack_into(page.memory, 0, 0, 500, 3, 7, 0, 0, 0, 0, 0)
        self.assertEqual(page.overdue_ms(10 ** 15, 1000), 0)
        page.close()

    def test_slots_are_found_and_given_back(self):
        page = crash_page.CrashPage(self.path)
        crash_page.struct.pack_into('<II', page.memory, crash_page.SLOTS_AT + 8 * 5, 4711, 3)
        self.assertEqual(page.slots(), {4711: (5, 2)})
        page.give_back(5, 1)
        self.assertEqual(len(page.slots()), 1)
        page.give_back(5, 4711)
        self.assertEqual(page.slots(), {})
        page.close()

    def test_the_page_has_the_sizes_of_the_header(self):
        header = (ROOT / 'lib/base/crash_points.h').read_text(encoding='utf-8')
        for name, value in (('kCrashSlots', crash_page.SLOTS), ('kCrashPointsMax', crash_page.POINTS_MAX)):
            self.assertRegex(header, rf'{name} = {value};')
        names, clients = crash_page.read_points(ROOT)
        self.assertTrue(0 < clients < len(names) <= crash_page.POINTS_MAX)


class Aim(unittest.TestCase):
    def test_the_point_with_the_fewest_hits_is_next(self):
        points = targets.Points(['a', 'b', 'c', 'd'], 3, {'b': 'of another kind'})
        aim = targets.Targets(points, random.Random(1))
        aim.hits = {0: 4, 2: 3}
        self.assertEqual(aim.choose([0] * 4), (2, 1))
        self.assertTrue(aim.was_armed(2))
        aim.hit(2)
        self.assertTrue(aim.must_change())
        self.assertEqual(aim.hits, {0: 4, 2: 4})

    def test_a_point_that_nobody_passes_does_not_take_all_the_time(self):
        aim = targets.Targets(targets.Points(['a', 'b'], 2, {}), random.Random(1))
        chosen = [aim.choose([0, 0])[0] for _ in range(10)]
        self.assertEqual(set(chosen), {0, 1})

    def test_a_window_without_a_hit_is_named(self):
        points = targets.Points(['a', 'b', 'c', 'd'], 3, {'b': 'of another kind'})
        self.assertEqual(report.not_hit([[0, 1], [0, 0], [0, 0], [0, 0]], points), ['c'])


class Deaths(unittest.TestCase):
    def verdict(self, script, killed=False, quitting=False):
        with tempfile.TemporaryDirectory() as folder:
            page = call_page.CallPage(pathlib.Path(folder, 'page'))
            driver = processes.Driver(['sh', '-c', script], page, None, subprocess.DEVNULL)
            driver.killed, driver.quitting = killed, quitting
            return re.sub(r'\d{2,}', 'N', driver.collect() or '')

    def test_only_expected_ends_pass(self):
        self.assertEqual(self.verdict('kill -KILL $$', killed=True), '')
        self.assertEqual(self.verdict('exit 0', quitting=True), '')
        self.assertEqual(self.verdict('kill -KILL $$'), 'driver N ended by itself: SIGKILL')
        self.assertEqual(self.verdict('kill -SEGV $$', killed=True), 'driver N ended by itself: SIGSEGV')
        self.assertEqual(self.verdict('exit 0'), 'driver N ended by itself: exit status 0')
        self.assertEqual(self.verdict('echo failure wrong data: get; exit 70', killed=True), 'driver N: wrong data: get')


    def test_what_breaks_is_found_in_the_logs(self):
        log = ('[raylet] [info] client 3 closes its connection: pid 5 (driver kill_mix)\n'
               '[raylet] [warning] client 4 ends: pid 7 (worker): killed by SIGSEGV\n'
               '[raylet] [error] template 1 failed\n(pid=8) mobula-worker: futex: Invalid argument\n')
        self.assertEqual(session.broken_lines(log), log.splitlines()[1:])


class Report(unittest.TestCase):
    def test_failures_are_counted_by_kind(self):
        failures = ['count too high: a\ncount too low: b', 'driver 1: wrong data: get', 'hang: operation 3']
        self.assertEqual(report.count_bad(failures), {'wrong counts': 2, 'wrong data': 1, 'hangs': 1})

    def test_quantiles(self):
        self.assertIsNone(report.quantiles([]))
        self.assertEqual(report.quantiles(list(range(1, 101))), {'count': 100, 'p50_us': 50, 'p99_us': 100, 'max_us': 100})


class Leaks(unittest.TestCase):
    def test_noise_has_no_slope_and_growth_has_one(self):
        noise = random.Random(3)
        flat = [(i, 5000 + noise.uniform(-20, 20)) for i in range(60)]
        grown = [(i, y + 2 * i) for i, y in flat]
        self.assertTrue(leaks.slope_of(flat).may_be_zero())
        self.assertFalse(leaks.slope_of(grown).may_be_zero())
        self.assertAlmostEqual(leaks.slope_of(grown).slope, 2, delta=0.5)

    def test_samples_that_never_change_have_no_slope(self):
        self.assertTrue(leaks.slope_of([(i, 7) for i in range(10)]).may_be_zero())


if __name__ == '__main__':
    unittest.main()
