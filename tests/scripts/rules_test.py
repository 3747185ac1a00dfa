#!/usr/bin/env python3
"""Proves that the scripts fail on what they are there to find, and pass what is clean."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent.parent / 'scripts'
HEADER = '// {name}: a header.\n#pragma once\n{body}'


def run(script, files):
    """(exit status, output) of the script on a tree of `files` (name -> text)."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
        done = subprocess.run([sys.executable, SCRIPTS / script, '--root', root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Rules(unittest.TestCase):
    def passes(self, script, name, text):
        status, output = run(script, {name: text})
        self.assertEqual(status, 0, output)

    def fails(self, script, name, text, message):
        status, output = run(script, {name: text})
        self.assertEqual(status, 1, output)
        self.assertIn(message, output)


class Layers(Rules):
    def test_downward_and_own_layer_pass(self):
        self.passes('check_layers.py', 'lib/objects/store.cc',
                    '#include "objects/store.h"\n#include "base/error.h"\n#include <vector>\n')
        self.passes('check_layers.py', 'raylet/main.cc', '#include "raylet/loop.h"\n#include "client/session.h"\n')

    def test_upward_fails(self):
        self.fails('check_layers.py', 'lib/base/file.cc', '\n#include "refs/holders.h"\n', 'lib/base/file.cc:2')
        self.fails('check_layers.py', 'lib/wire/codec.cc', '#include <client/session.h>\n', 'below client')
        self.fails('check_layers.py', 'lib/client/session.cc', '#include "raylet/loop.h"\n', 'below raylet')

    def test_a_test_is_bound_like_its_layer(self):
        self.fails('check_layers.py', 'tests/segment/ring_test.cc', '#include "tasks/spec.h"\n', 'below tasks')

    def test_sideways_fails(self):
        self.fails('check_layers.py', 'raylet/loop.cc', '#include "worker/template.h"\n', 'do not know each other')
        self.fails('check_layers.py', 'tools/status.cc', '#include "raylet/loop.h"\n', 'do not know each other')

    def test_public_headers_stay_public(self):
        self.passes('check_layers.py', 'lib/include/ray/api.h', '#include <mobula/runtime.h>\n#include "ray/api/x.h"\n')
        self.fails('check_layers.py', 'lib/include/ray/api.h', '#include "client/session.h"\n', 'public headers only')
        self.fails('check_layers.py', 'lib/include/mobula/runtime.h', '#include <ray/api.h>\n', 'stands on mobula/')
        self.passes('check_layers.py', 'lib/include/mobula/pin.h', '#include "ray/api/object_ref.h"\n')

    def test_dots_fail(self):
        self.fails('check_layers.py', 'lib/refs/a.cc', '#include "../base/error.h"\n', 'never through ..')

    def test_an_empty_tree_is_a_mistake(self):
        self.assertEqual(run('check_layers.py', {'README.md': 'text'})[0], 1)


class Tidy(Rules):
    def test_a_clean_tree_passes(self):
        body = 'namespace a {\nclass B {\n  B() : c_{1}, d_{2} {\n' + '    run();\n' * 60 + '  }\n};\n}\n'
        self.passes('tidy.py', 'lib/base/a.h', HEADER.format(name='base/a.h', body=body))

    def test_a_long_function_fails_wherever_it_hides(self):
        long = '  run();\n' * 70
        for head in ('int f() {\n', 'B::B() : c_{1}, d_{"}"} {\n', 'auto f() noexcept -> int {\n', 'TEST_CASE("a") {\n'):
            text = 'namespace a {\nTEST_SUITE("s") {\n' + head + long + '}\n}\n}\n'
            self.fails('tidy.py', 'lib/base/a.cc', text, 'a function of 72 lines')

    def test_a_long_file_and_a_long_line_fail(self):
        self.fails('tidy.py', 'tools/a.cc', 'int a();\n' * 401, 'a file of 401 lines')
        self.fails('tidy.py', 'tools/a.cc', 'int ' + 'a' * 120 + ';\n', '125 columns')

    def test_a_header_needs_its_contract(self):
        self.fails('tidy.py', 'lib/base/a.h', '#pragma once\n', 'contract block')
        self.fails('tidy.py', 'lib/base/a.h', '// base/a.h: nothing.\n', 'no #pragma once')

    def test_waiting_by_time_fails_in_the_product_only(self):
        for call in ('std::this_thread::sleep_for(1ms)', 'usleep(5)', 'nanosleep(&a, 0)', 'sched_yield()', 'sleep(1)',
                     'std::this_thread::yield()', 'std::this_thread::sleep_until(x)'):
            self.fails('tidy.py', 'raylet/a.cc', 'void f() { ' + call + '; }\n', 'waits by time')
        self.passes('tidy.py', 'tests/a.cc', 'void f() { usleep(5); }\n')
        self.passes('tidy.py', 'lib/base/a.cc', '// never sleep(1) here\nvoid f() { log("usleep(5)"); }\n')

    def test_a_test_that_is_never_built_fails(self):
        self.fails('tidy.py', 'tests/refs/a_test.cc', 'int a;\n', 'not named in tests/meson.build')
        listed = {'tests/refs/a_test.cc': 'int a;\n', 'tests/process/b_test.cc': 'int b;\n'}
        build = "unit = {'refs': ['a']}\nprocess = {'b c': 'process/b_test.cc'}\n"
        self.assertEqual(run('tidy.py', {**listed, 'tests/meson.build': build})[0], 0)

    def test_notes_to_self_and_machine_paths_fail(self):
        self.fails('tidy.py', 'docs/a.md', 'TO' + 'DO: write\n', 'a note to self')
        self.fails('tidy.py', 'scripts/a', 'x=/' + 'home/somebody/src\n', 'a path of one machine')
        self.passes('tidy.py', 'docs/a.md', 'see https://example.org/home/page and $prefix/work/x\n')


class Count(unittest.TestCase):
    def counts(self, *records):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as log:
            log.writelines(json.dumps({'result': result, 'stdout': text}) + '\n' for result, text in records)
            log.flush()
            done = subprocess.run([sys.executable, SCRIPTS / 'count_tests.py', log.name], capture_output=True, text=True)
            return done.returncode, done.stdout.splitlines()[-1]

    def test_doctest_cases_and_plain_tests_add_up(self):
        self.assertEqual(self.counts(('OK', '[doctest] test cases: 18 | 18 passed | 0 failed | 0 skipped'), ('OK', ''),
                                     ('SKIP', '')), (0, '19 passed, 0 failed'))

    def test_failures_count_whatever_their_form(self):
        cases = '[doctest] test cases:  5 |  3 passed | 2 failed | 0 skipped'
        self.assertEqual(self.counts(('FAIL', cases), ('TIMEOUT', '')), (1, '3 passed, 3 failed'))
        leak = '[doctest] test cases: 4 | 4 passed | 0 failed | 0 skipped'
        self.assertEqual(self.counts(('FAIL', leak)), (1, '4 passed, 1 failed'))

    def test_nothing_run_is_a_failure(self):
        self.assertEqual(self.counts(), (1, '0 passed, 0 failed'))


if __name__ == '__main__':
    unittest.main()
