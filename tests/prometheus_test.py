#!/usr/bin/env python3
"""Shows a session's metrics to Prometheus: promtool checks the text, a real server scrapes the raylet.

Skipped (exit status 77) where promtool or prometheus is not installed (Debian's package prometheus has both).
"""
import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

SKIPPED = 77
SESSION = 'scraped'
MEMORY_BYTES = 32 << 20
SCRAPE_SECONDS_MAX = 60
CONFIG = '''global:
  scrape_interval: 1s
scrape_configs:
  - job_name: mobula
    static_configs:
      - targets: ['127.0.0.1:{port}']
'''


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False,
                          **options)
    if done.returncode != 0:
        sys.exit(f'{" ".join(str(word) for word in command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout + done.stderr


def check_text(text, source):
    """promtool is silent about good metrics, and has advice on names that break Prometheus's conventions."""
    said = run('promtool', 'check', 'metrics', input=text)
    if said.strip():
        sys.exit(f'promtool on {source}:\n{said}')


def query(address, expression):
    url = f'http://{address}/api/v1/query?' + urllib.parse.urlencode({'query': expression})
    with urllib.request.urlopen(url, timeout=5) as answer:
        return [float(one['value'][1]) for one in json.load(answer)['data']['result']]


def await_scrape(address, server):
    """What the server has stored of the session; [] when it did not come in time."""
    deadline = time.monotonic() + SCRAPE_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if values := query(address, f'mobula_store_capacity_bytes{{session="{SESSION}"}}'):
                return values
        except (OSError, ValueError, KeyError):
            pass  # it is not up yet
        time.sleep(0.2)
    return []


def scrape(folder, port):
    (folder / 'prometheus.yml').write_text(CONFIG.format(port=port), encoding='utf-8')
    with tempfile.TemporaryFile('w+') as log:
        address = f'127.0.0.1:{free_port()}'
        server = subprocess.Popen(['prometheus', f'--config.file={folder}/prometheus.yml',
                                   f'--storage.tsdb.path={folder}/data', f'--web.listen-address={address}'],
                                  stdout=log, stderr=log)
        try:
            values = await_scrape(address, server)
            states = query(address, 'count(mobula_workers)') + query(address, 'up{job="mobula"}') if values else []
        finally:
            server.kill()
            server.wait()
        log.seek(0)
        if values != [MEMORY_BYTES] or states != [2, 1]:
            sys.exit(f'Prometheus has scraped {values} and {states}; its log:\n{log.read()}')


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('command', type=pathlib.Path, help='the program mobula')
    command = parser.parse_args().command
    if not shutil.which('promtool') or not shutil.which('prometheus'):
        print('prometheus is not installed: skipped')
        return SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ['XDG_RUNTIME_DIR'] = name
        started = json.loads(run(command, 'start', '--session', SESSION, '--memory', MEMORY_BYTES, '--metrics-port', 0,
                                 '--json'))
        try:
            port = started['raylet']['metrics_port']
            check_text(run(command, 'metrics', '--session', SESSION), 'mobula metrics')
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=5) as page:
                check_text(page.read().decode(), 'the served page')
            scrape(folder, port)
        finally:
            run(command, 'stop', '--session', SESSION)
    print('promtool has nothing to say, and Prometheus has scraped the session')
    return 0


if __name__ == '__main__':
    sys.exit(main())
