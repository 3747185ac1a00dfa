#!/usr/bin/env python3
"""Makes the page of `mobula report` about a real session and reads it as strictly as nobody else does.

Every tag is closed in order, every drawing is XML, and the page names nothing outside of itself. With --chromium the page
is opened in Chromium without a display, too: no message on its console, no request but that for the page, and every
drawing has a size; exit status 77 when there is no Chromium.
"""
import argparse
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

SKIPPED = 77
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
WAIT_SECONDS_MAX = 30
COMMAND_SECONDS_MAX = 120
DRAWINGS_MIN = 4  # bytes by line and by holder, objects and references, the timeline
VOID = {'meta', 'link', 'br'}
# What makes a page ask for something: attributes that name it. A picture of no bytes says that there is no icon.
NAMES_OTHERS = {'src', 'href', 'srcset', 'data', 'action', 'poster', 'xlink:href'}
NO_ICON = 'data:,'
# Appended to the page for the browser: tells what it has made of it. The page itself has no script.
PROBE = '''<script>
addEventListener("load", () => {
  const drawings = [...document.querySelectorAll("svg")].map(one => one.getBoundingClientRect());
  document.body.setAttribute("data-seen", JSON.stringify({
    drawings: drawings.length, empty: drawings.filter(one => one.width < 100 || one.height < 20).length,
    requests: performance.getEntriesByType("resource").map(one => one.name),
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth}));
});
</script>'''


class StrictParser(html.parser.HTMLParser):
    """Collects what is wrong with a page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.problems = []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        if tag in ('script', 'iframe', 'img', 'object', 'embed'):
            self.problems.append(f'a <{tag}>')
        for name, value in attributes:
            if name in NAMES_OTHERS and value != NO_ICON:
                self.problems.append(f'<{tag}> names {value}')
            if name.startswith('on'):
                self.problems.append(f'<{tag}> runs something: {name}')

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f'</{tag}> at line {self.getpos()[0]} closes another tag')


def problems_of(page):
    parser = StrictParser()
    parser.feed(page)
    parser.close()
    yield from parser.problems
    if parser.open:
        yield f'not closed: {parser.open}'
    for style in re.findall(r'<style>(.*?)</style>', page, re.DOTALL):
        yield from (f'the style has {word}' for word in ('url(', '@import') if word in style)
    drawings = re.findall(r'<svg.*?</svg>', page, re.DOTALL)
    if len(drawings) < DRAWINGS_MIN:
        yield f'only {len(drawings)} drawings'
    for drawing in drawings:
        try:
            xml.etree.ElementTree.fromstring(drawing)
        except xml.etree.ElementTree.ParseError as error:
            yield f'a drawing is no XML: {error}: {drawing[:200]}'


class Session:
    """Two programs in a session of their own, in a folder of its own."""

    def __init__(self, build, folder):
        self.build = build
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(('MOBULA_', 'RAY_'))}
        self.environment.update(XDG_RUNTIME_DIR=folder, MOBULA_RAYLET=str(build / 'raylet/mobula-raylet'),
                                MOBULA_WORKER=str(build / 'worker/mobula-worker'), MOBULA_SAMPLE_MS='50')

    def __enter__(self):
        programs = [self.build / 'examples/debugging' / name for name in ('dying', 'kept_handles')]
        if missing := [str(program) for program in programs if not program.exists()]:
            sys.exit(f'not built: {missing}')
        self.mobula('start', '--workers', '2', '--memory', '32MiB')
        self.programs = [subprocess.Popen([str(program)], stdout=subprocess.DEVNULL,
                                          env=dict(self.environment, RAY_ADDRESS='page')) for program in programs]
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.send_signal(signal.SIGTERM)
            program.wait(timeout=WAIT_SECONDS_MAX)
        self.mobula('stop')

    def mobula(self, *words):
        done = subprocess.run([str(self.build / 'tools/mobula'), *words, '--session', 'page'], env=self.environment,
                              capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False)
        if done.returncode != 0:
            sys.exit(f'mobula {" ".join(words)}: exit status {done.returncode}: {done.stderr}')
        return done.stdout

    def await_news(self):
        end = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            report = json.loads(self.mobula('report', '--json'))
            if len(report['deaths']) >= 3 and report['samples'][-1]['used_bytes'] >= 8 << 20:
                return
            if time.monotonic() > end:
                sys.exit('no worker died, or no page was kept')
            time.sleep(0.1)


def problems_in_browser(browser, page, folder):
    path = pathlib.Path(folder) / 'probed.html'
    path.write_text(page.replace('</body>', PROBE + '</body>'), encoding='utf-8')
    command = [browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--enable-logging=stderr',
               f'--user-data-dir={folder}/profile', '--window-size=1100,900', '--dump-dom', path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False)
    yield from re.findall(r'.*CONSOLE.*', done.stderr)
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    if not found:
        yield f'the browser has not shown the page: {done.stderr[-2000:]}'
        return
    seen = json.loads(html.unescape(found.group(1)))
    if seen['drawings'] != page.count('<svg'):
        yield f'{seen["drawings"]} of {page.count("<svg")} drawings are there'
    if seen['empty']:
        yield f'{seen["empty"]} drawings have no size'
    if seen['requests']:
        yield f'it asked for {seen["requests"]}'
    if seen['wide']:
        yield 'it is wider than the window'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path, help='root of the build folder')
    parser.add_argument('--chromium', action='store_true', help='open it in the browser, too')
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if arguments.chromium and browser is None:
        print('chromium is not installed: skipped')
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix='report-', ignore_cleanup_errors=True) as folder:
        with Session(arguments.build.resolve(), folder) as session:
            session.await_news()
            path = pathlib.Path(folder) / 'report.html'
            session.mobula('report', '-o', str(path))
            page = path.read_text(encoding='utf-8')
        problems = list(problems_of(page))
        if arguments.chromium:
            problems += problems_in_browser(browser, page, folder)
    print('\n'.join([*problems, f'{len(page):,} characters, {page.count("<svg")} drawings, {len(problems)} problems']))
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
