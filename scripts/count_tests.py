#!/usr/bin/env python3
"""Prints "N passed, N failed" for a meson test log; exit status 1 when anything failed or nothing ran.

A doctest program counts its test cases, any other test counts one. A program that fails without a failed case (a crash, a
time limit, a sanitizer) adds one failure.
"""
import json
import re
import sys

CASES = re.compile(r'^\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed', re.MULTILINE)


def count(record):
    """(passed, failed) of one test program."""
    if record['result'] == 'SKIP':
        return 0, 0
    good = record['result'] in ('OK', 'EXPECTEDFAIL')
    cases = CASES.findall(record.get('stdout', ''))
    if not cases:
        return (1, 0) if good else (0, 1)
    passed, failed = (int(number) for number in cases[-1])
    return passed, failed if good or failed else 1


def main():
    try:
        with open(sys.argv[1], encoding='utf-8') as log:
            records = [json.loads(line) for line in log]
    except (IndexError, OSError, ValueError) as problem:
        print(f'no test log: {problem}', file=sys.stderr)
        records = [{'result': 'ERROR'}]
    counts = [count(record) for record in records]
    passed = sum(good for good, _ in counts)
    failed = sum(bad for _, bad in counts)
    print(f'{passed} passed, {failed} failed')
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    sys.exit(main())
