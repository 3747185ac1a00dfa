#!/usr/bin/env python3
"""Proves that scripts/check-models and the models name the same things, and that it knows a surprise. Needs no Spin."""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / 'scripts' / 'check-models'
PASSED = 'State-vector 76 byte, depth reached 116, errors: 0\n   755457 states, stored\n'
FAILED = 'pan:1: assertion violated x (at depth 3)\nState-vector 76 byte, depth reached 3, errors: 1\n'


def load():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader('check_models', str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('check_models', loader))
    loader.exec_module(module)
    return module


class CheckModels(unittest.TestCase):
    def setUp(self):
        self.module = load()
        self.runs = list(self.module.all_runs())

    def text_of(self, model):
        return (self.module.FOLDER / f'{model}.pml').read_text(encoding='utf-8')

    def test_every_model_is_run(self):
        self.assertEqual({path.stem for path in self.module.FOLDER.glob('*.pml')}, set(self.module.TABLE))

    def test_no_run_is_listed_twice(self):
        names = [run.name for run in self.runs]
        self.assertEqual(len(names), len(set(names)))

    def test_every_model_has_a_short_run_that_passes_and_one_that_must_fail(self):
        for model in self.module.TABLE:
            short = [run for run in self.runs if run.model == model and not run.is_long]
            self.assertTrue(any(run.must_pass for run in short), model)
            self.assertTrue(any(not run.must_pass for run in short), model)

    def test_every_define_of_a_run_is_one_that_its_model_looks_at_and_explains(self):
        for run in self.runs:
            header, code = self.text_of(run.model).split('*/', 1)
            for define in run.defines:
                name = define.split('=')[0]
                self.assertRegex(header, rf'\b{name}\b', run.name)
                self.assertRegex(code, rf'\b{name}\b', run.name)

    def test_every_flag_of_a_model_is_run(self):
        for model in self.module.TABLE:
            used = {define.split('=')[0] for run in self.runs if run.model == model for define in run.defines}
            code = self.text_of(model).split('*/', 1)[1]
            defined_here = set(re.findall(r'#define (\w+)', code))
            looked_at = set(re.findall(r'#ifn?def (\w+)', code)) | set(re.findall(r'defined\((\w+)\)', code))
            self.assertEqual(looked_at - defined_here - used, set(), model)

    def test_a_surprise_is_a_surprise(self):
        passing, broken = self.runs[0], next(run for run in self.runs if not run.must_pass)
        self.assertTrue(self.module.judge(passing, PASSED)[0])
        self.assertFalse(self.module.judge(broken, PASSED)[0])
        self.assertFalse(self.module.judge(passing, FAILED)[0])
        self.assertTrue(self.module.judge(broken, FAILED)[0])
        self.assertFalse(self.module.judge(passing, PASSED + 'error: max search depth too small\n')[0])
        self.assertFalse(self.module.judge(passing, 'pan: out of memory\n')[0])

    def test_without_spin_it_says_so(self):
        done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False,
                              env={**os.environ, 'PATH': '/nowhere'})
        self.assertEqual((done.returncode, done.stdout), (77, 'spin is not installed: skipped\n'))

    def test_an_unknown_name_is_an_error(self):
        done = subprocess.run([sys.executable, SCRIPT, '--only', 'nothing'], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('no model or run is called nothing', done.stderr)


if __name__ == '__main__':
    unittest.main()
