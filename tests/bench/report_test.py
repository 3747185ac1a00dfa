"""Figures are judged rightly: met, missed, and not measured when one side is not there (scripts/bench)."""
import argparse
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bench'))
sys.dont_write_bytecode = True
from measuring import programs, report, requirements  # noqa: E402
from measuring.requirements import Requirement  # noqa: E402


def row(value, unit='/s', name='r', **more):
    return {'name': name, 'value': value, 'unit': unit, **more}


def run_of(rows, engine='mobula', program='api', kept=True, output='', broken=()):
    return programs.Run(program, engine, 0.1, 1.0, kept, rows, output, list(broken))


class Judging(unittest.TestCase):
    def verdict(self, requirement, ours, peer=None):
        engines = {'mobula': {'r': ours} if ours else {}, 'ray': {'r': peer} if peer else {}}
        return requirements.judge(requirement, engines)['verdict']

    def test_a_rate_is_held_against_the_peers(self):
        required = Requirement('r', 30, against='ray')
        self.assertEqual(self.verdict(required, row(3000), row(100)), 'met')
        self.assertEqual(self.verdict(required, row(2999), row(100)), 'missed')

    def test_of_times_the_shorter_is_better(self):
        required = Requirement('r', 200, against='ray')
        self.assertEqual(self.verdict(required, row(0.01, 's'), row(4.0, 's')), 'met')
        self.assertEqual(self.verdict(required, row(4.0, 's'), row(0.01, 's')), 'missed')

    def test_at_most_so_many_times_as_long(self):
        required = Requirement('r', 60, most=True, against='ray')
        self.assertEqual(self.verdict(required, row(0.059, 's'), row(0.001, 's')), 'met')
        self.assertEqual(self.verdict(required, row(0.061, 's'), row(0.001, 's')), 'missed')

    def test_bounds_for_the_figure_itself(self):
        self.assertEqual(self.verdict(Requirement('r', 30), row(30)), 'met')
        self.assertEqual(self.verdict(Requirement('r', 30), row(29)), 'missed')
        self.assertEqual(self.verdict(Requirement('r', 5, most=True), row(4.9, 's')), 'met')
        self.assertEqual(self.verdict(Requirement('r', 5, most=True), row(5.1, 's')), 'missed')

    def test_without_either_side_nothing_is_met(self):
        required = Requirement('r', 30, against='ray')
        self.assertEqual(self.verdict(required, row(3000)), 'not measured')
        self.assertEqual(self.verdict(required, None, row(100)), 'not measured')
        self.assertEqual(self.verdict(Requirement('r', 30), None), 'not measured')

    def test_other_units_and_nothing_are_no_comparison(self):
        required = Requirement('r', 1, against='ray')
        self.assertEqual(self.verdict(required, row(3000, '/s'), row(1, 's')), 'not measured')
        self.assertEqual(self.verdict(required, row(3000), row(0)), 'not measured')

    def test_a_peers_row_may_be_called_otherwise(self):
        judged = requirements.judge(Requirement('r', 0.6, against='limits', peer_row='memcpy'),
                                    {'mobula': {'r': row(7)}, 'limits': {'memcpy': row(10)}})
        self.assertEqual((judged['verdict'], judged['figure']), ('met', 0.7))

    def test_the_start_is_one_row(self):
        rows = requirements.by_name([row(1.5, 's', 'init'), row(0.5, 's', 'first task')])
        self.assertEqual(rows['init to first result']['value'], 2.0)
        self.assertNotIn('init to first result', requirements.by_name([row(1.5, 's', 'init')]))

    def test_the_table_names_engines_that_exist(self):
        engines = {program.engine for program in [*programs.OURS, *programs.PEERS]}
        for required in requirements.REQUIREMENTS:
            self.assertTrue(required.bound > 0 and (not required.against or required.against in engines), required)


class Report(unittest.TestCase):
    def make(self, **more):
        runs = [run_of([row(40000, name='task sync', p99_us=31.5), row(100, 'ns', 'p', curve='put, live objects', x=1),
                        row(101, 'ns', 'q', curve='put, live objects', x=10)]),
                run_of([row(1000, name='task sync', p99_us=2000)], 'ray', 'ray')]
        return report.make(runs, **more)

    def test_ratios_and_verdicts_are_in_the_json(self):
        made = self.make()
        self.assertEqual(made['ratios'], [{'row': 'task sync', 'against': 'ray', 'ratio': 40.0}])
        verdicts = {judged['row']: judged['verdict'] for judged in made['requirements']}
        self.assertEqual((verdicts['task sync'], verdicts['put small']), ('met', 'not measured'))
        self.assertTrue(report.all_met(made))

    def test_files_of_the_report(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            report.write(self.make(), folder)
            self.assertEqual(sorted(path.name for path in folder.iterdir()),
                             ['bench.json', 'bench.md', 'live-objects-ns.svg'])
            text = (folder / 'bench.md').read_text(encoding='utf-8')
            self.assertIn('1,000 /s, p99 2,000 us (40.0x)', text)
            self.assertIn('| task sync | 40,000 /s, p99 31.5 us | Ray C++ | 1,000 /s, p99 2,000 us | 40.0x |', text)
            self.assertIn('(live-objects-ns.svg)', text)
            self.assertEqual(json.loads((folder / 'bench.json').read_text(encoding='utf-8'))['plots'][0]['curves'],
                             ['put'])

    def test_a_total_is_said_of_the_figures_and_not_of_the_sizes(self):
        rows = [row(9, curve='put, threads, total', x=1), row(9, curve='put, threads, total', x=2)]
        with tempfile.TemporaryDirectory() as name:
            made = report.make([run_of(rows)])
            report.write(made, pathlib.Path(name))
            self.assertEqual([(plotted['file'], plotted['title']) for plotted in made['plots']],
                             [('threads-total-per-s.svg', 'Operations each second, total, by threads')])

    def test_a_pattern_leaves_matching_rows_only(self):
        made = self.make(pattern=re.compile('put'))
        self.assertEqual(made['rows']['ray'], [])
        self.assertTrue(all('put' in judged['row'] for judged in made['requirements']))

    def test_the_99th_percentile_is_told_where_single_operations_were_timed(self):
        [judged] = [judged for judged in self.make()['requirements'] if judged['row'] == 'task sync']
        self.assertEqual((judged['p99_us'], judged['peer_p99_us']), (31.5, 2000))
        self.assertNotIn('p99_us', requirements.judge(Requirement('r', 1), {'mobula': {'r': row(2)}}))

    def test_what_is_not_required_is_shown_and_does_not_fail(self):
        beyond = 'take and release, in uncontended lock or'
        made = report.make([run_of([row(9, 'x', beyond)])])
        self.assertTrue(report.all_met(made))
        text = report.markdown(made)
        self.assertIn(f'| {beyond} | 9.00 x |  |  |  | at most 2.5 x, not required | missed |', text)
        self.assertIn('Requirements: 0 met, 0 missed,', text)

    def test_a_missed_requirement_and_a_broken_promise_fail(self):
        self.assertFalse(report.all_met(report.make([run_of([row(31, 'MB', 'idle PSS without segment')])])))
        broken = report.make([run_of([], kept=False, program='views'),
                              run_of([], kept=False, program='scale', broken=['put costs 3 times'])])
        self.assertFalse(report.all_met(broken))
        self.assertIn('- views: see what it has printed\n- scale: put costs 3 times\n', report.markdown(broken))
        self.assertNotIn('broken', report.markdown(self.make()))


class Programs(unittest.TestCase):
    def run_shell(self, script, **more):
        program = programs.Program('shell', ('/bin/sh', '-c', script, 'shell'), knows_quick=False, **more)
        with tempfile.TemporaryDirectory() as name:
            return programs.Runner(pathlib.Path(name), pathlib.Path(name), pathlib.Path(name), False).run(program)

    def test_rows_come_from_the_file(self):
        done = self.run_shell('echo \'[{{"name": "a", "value": 1, "unit": "s"}}]\' >"$2"')
        self.assertEqual((done.rows, done.kept_promises), ([{'name': 'a', 'value': 1, 'unit': 's'}], True))

    def test_a_broken_promise_keeps_the_rows_and_a_failure_does_not(self):
        self.assertFalse(self.run_shell('echo "[]" >"$2"; exit 1').kept_promises)
        for script in ('exit 1', 'exit 0', 'echo "[]" >"$2"; exit 2', 'kill -9 $$'):
            with self.assertRaises(programs.BenchError):
                self.run_shell(script)

    def test_each_broken_promise_is_named_once(self):
        lines = 'printf "  BROKEN: a is 3\\n  kept: b\\nBROKEN: a is 3\\nBROKEN: c\\n"; echo "[]" >"$2"; exit '
        self.assertEqual(self.run_shell(lines + '1').broken, ['a is 3', 'c'])
        self.assertEqual(self.run_shell(lines + '0').broken, [])

    def test_what_a_program_prints_is_kept(self):
        self.assertEqual(self.run_shell('echo hello', gives_rows=False).output, 'hello\n')


class Command(unittest.TestCase):
    def script(self):
        loader = SourceFileLoader('bench_command', str(ROOT / 'scripts/bench'))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        loader.exec_module(module)
        return module

    def test_an_earlier_report_is_removed_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file in ('bench.md', 'api.log', 'old.svg', 'mine.md', 'mine.svg'):
                (folder / file).write_text('', encoding='utf-8')
            told = {'plots': [{'file': 'old.svg'}], 'runs': [{'program': 'api'}]}
            (folder / 'bench.json').write_text(json.dumps(told), encoding='utf-8')
            self.script().remove_earlier(folder)
            self.assertEqual(sorted(path.name for path in folder.iterdir()), ['mine.md', 'mine.svg'])

    def test_only_means_programs_where_one_is_called_so_and_rows_otherwise(self):
        choose = self.script().choose

        def names(text):
            chosen, rows = choose(argparse.Namespace(peers=[], only=re.compile(text)))
            return [program.name for program in chosen], rows and rows.pattern

        self.assertEqual(names('^api$'), (['limits', 'api'], None))
        self.assertEqual(names('put small'), ([program.name for program in programs.OURS], 'put small'))

    def test_one_word_may_name_several_programs_of_a_peer(self):
        choose_peers = self.script().choose_peers

        def names(words):
            return [program.name for program in choose_peers(words)]

        self.assertEqual(names('ray'), ['ray', 'ray_python'])
        self.assertEqual(names('pool, ray,pool'), ['pool', 'ray', 'ray_python'])
        self.assertEqual(names('all'), [program.name for program in programs.PEERS])

    def bench(self, *words):
        return subprocess.run([sys.executable, str(ROOT / 'scripts/bench'), *words], capture_output=True, text=True,
                              check=False)

    def test_it_explains_itself(self):
        self.assertEqual(self.bench('--help').returncode, 0)

    def test_it_is_called_wrongly(self):
        for words in (['--peers', 'ray,nobody'], ['--only', '('], ['--sideways']):
            done = self.bench(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ''))
            self.assertNotIn('Traceback', done.stderr)


if __name__ == '__main__':
    unittest.main()
