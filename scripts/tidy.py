#!/usr/bin/env python3
"""Checks what no compiler checks about the source.

Functions of at most 70 lines, files of at most 400 and lines of at most 120 columns; headers open with a contract block
and #pragma once; no waiting by time in lib, raylet and worker; no notes to self; no paths of somebody's machine; no test
that the build does not know.
"""
import argparse
import os
import pathlib
import re
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
COLUMNS_MAX = 120
CODE = ('.h', '.cc')
TEXT = CODE + ('.py', '.md', '.build', '.txt', '.fbs', '.in', '.sh', '.yml', '.cmake', '')
SKIPPED_FOLDERS = re.compile(r'^(\.git|\.cache|__pycache__|build.*|_build.*|packagecache|packagefiles)$')
TIMED_WAIT = re.compile(r'\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep|sched_yield|sleep)\s*\('
                        r'|\bthis_thread\s*::\s*yield\b')
# The one place that may give its processor away while it looks, a bounded number of times (decision 0024).
LOOKS_BEFORE_SLEEP = 'lib/base/spin.h'
NOTE_TO_SELF = re.compile(r'\b(' + '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK']) + r')\b')
MACHINE_PATH = re.compile(r'(?<![\w.$}/-])/(' + '|'.join(['root', 'work', 'home']) + r')/\w+')
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                     r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.DOTALL | re.MULTILINE)
SCOPE = re.compile(r'^\s*(template\s*<.*>\s*)?(inline\s+)?(namespace|class|struct|union|enum|extern|TEST_SUITE)\b',
                   re.DOTALL)
MEMBER_LIST = re.compile(r'\)\s*(noexcept\s*)?:(?!:)')


def code_only(text):
    """The text with comments, strings and preprocessor lines blanked; line numbers stay."""
    return NO_CODE.sub(lambda match: re.sub(r'[^\n]', ' ', match.group(0)), text)


def closing_brace(code, opening):
    depth = 0
    for at in range(opening, len(code)):
        depth += {'{': 1, '}': -1}.get(code[at], 0)
        if depth == 0:
            return at
    return len(code) - 1


def functions(text):
    """(line, lines, head) of each function outside other functions."""
    code = code_only(text)
    found = []
    start = at = 0
    while at < len(code):
        if code[at] in ';}':
            start = at + 1
        elif code[at] == '{':
            head = code[start:at]
            member = MEMBER_LIST.search(head) and re.search(r'[\w>]\s*$', head) and not re.search(r'\bnoexcept\s*$', head)
            if SCOPE.match(head) or ')' not in head:
                if not head.rstrip().endswith(('=', ',', '(')) or ')' not in head:
                    start = at + 1
            elif member:
                at = closing_brace(code, at)
            else:
                end = closing_brace(code, at)
                first = start + len(head) - len(head.lstrip())
                found.append((code.count('\n', 0, first) + 1, code.count('\n', first, end) + 1, ' '.join(head.split())))
                at = end
                start = at + 1
        at += 1
    return found


def check_code(name, text):
    for line, length, head in functions(text):
        if length > FUNCTION_LINES_MAX:
            yield line, f'a function of {length} lines, at most {FUNCTION_LINES_MAX}: {head[:60]}'
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f'a file of {len(lines)} lines, at most {FILE_LINES_MAX}'
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f'{len(line)} columns, at most {COLUMNS_MAX}'
    if name.endswith('.h'):
        if not text.startswith('// '):
            yield 1, 'a header opens with its contract block'
        if '#pragma once' not in text:
            yield 1, 'no #pragma once'
    if name.split('/')[0] in ('lib', 'raylet', 'worker'):
        for match in TIMED_WAIT.finditer(code_only(text)):
            if name == LOOKS_BEFORE_SLEEP and match.group(1) == 'sched_yield':
                continue
            yield text.count('\n', 0, match.start()) + 1, f'waits by time: {match.group(0)}'


def check_text(text):
    for pattern, what in ((NOTE_TO_SELF, 'a note to self'), (MACHINE_PATH, 'a path of one machine')):
        for match in pattern.finditer(text):
            yield text.count('\n', 0, match.start()) + 1, f'{what}: {match.group(0)}'


def unlisted_tests(root):
    """Test files that no build would notice."""
    build = root / 'tests/meson.build'
    listed = build.read_text(encoding='utf-8') if build.is_file() else ''
    for path in sorted((root / 'tests').rglob('*_test.cc')):
        name = re.escape(path.relative_to(root / 'tests').as_posix()[:-len('_test.cc')])
        base = re.escape(path.name[:-len('_test.cc')])
        if not re.search(rf"'({name}_test\.cc|{base})'", listed):
            yield f'{path.relative_to(root)}:1: not named in tests/meson.build'


def source_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not SKIPPED_FOLDERS.match(name)
                            and not (pathlib.Path(folder) / name / 'meson-info').is_dir())
        for name in sorted(names):
            path = pathlib.Path(folder) / name
            if path.suffix in TEXT and path.is_file() and not path.is_symlink():
                yield path


def check(root):
    problems = list(unlisted_tests(root))
    files = 0
    for path in source_files(root):
        name = path.relative_to(root).as_posix()
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue  # bytes, such as the golden files
        files += 1
        found = list(check_text(text)) + (list(check_code(name, text)) if path.suffix in CODE else [])
        problems += [f'{name}:{line}: {what}' for line, what in sorted(found)]
    return files, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument('--list', action='store_true', help='print the length of every function, longest first')
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if arguments.list:
        rows = [(length, f'{path.relative_to(root)}:{line}', head) for path in source_files(root)
                if path.suffix in CODE for line, length, head in functions(path.read_text(encoding='utf-8'))]
        for length, where, head in sorted(rows, reverse=True):
            print(f'{length:4} {where} {head[:80]}')
        return 0
    files, problems = check(root)
    for problem in problems:
        print(problem)
    print(f'tidy: {files} files, {len(problems)} problems')
    return 1 if problems or files == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
