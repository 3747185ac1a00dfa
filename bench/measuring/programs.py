"""The programs that scripts/bench runs, and how one of them is run."""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN_SECONDS_MAX = 1800
SESSION_SECONDS_MAX = 60
LOG_LINES_SHOWN = 12
PASSED_ON = ('RAY_PEER_ISOLATE',)  # see bench/peers/run_on_ray
BROKEN_PROMISE = 1  # exit status of a program that ran to its end
BROKEN_LINE = re.compile(r'^ *BROKEN: (.*)$', re.MULTILINE)


class BenchError(Exception):
    """Something that had to run did not."""


@dataclasses.dataclass(frozen=True)
class Program:
    """In its command {build}, {root} and {work} stand for folders."""
    name: str
    command: tuple
    engine: str = 'mobula'
    gives_rows: bool = True    # knows --json; else what it prints goes into the report as it is
    knows_quick: bool = True
    needs_session: bool = False
    optional: bool = False     # not everybody's build has it
    peer: str = ''             # what --peers calls it, where that is not its name


OURS = [
    Program('limits', ('{build}/bench/limits_bench',), engine='limits'),
    Program('api', ('{build}/bench/ray_api_bench',)),
    Program('tasks', ('{build}/bench/task_bench',), optional=True),
    Program('footprint', ('{root}/bench/footprint', '--build', '{build}')),
    Program('scale', ('{build}/bench/scale_bench',), optional=True),
    Program('micro', ('{build}/bench/micro_bench',), optional=True),
    Program('instructions', ('{root}/bench/micro/instructions', '--build', '{build}'), knows_quick=False,
            optional=True),
    Program('views', ('{build}/bench/view_bench',), knows_quick=False),
    Program('actors', ('{build}/bench/actor_bench',), gives_rows=False, knows_quick=False),
    Program('grain', ('{build}/bench/grain_bench',), gives_rows=False, knows_quick=False),
    Program('reaping', ('{build}/bench/reap_bench',), gives_rows=False, knows_quick=False, needs_session=True),
]
PEERS = [
    Program('ray', ('{root}/bench/peers/run_on_ray', '{root}/bench/ray_api_bench.cc', '{work}'), engine='ray'),
    Program('ray_python', ('{root}/bench/peers/ray_python_bench.py', '--work', '{work}'), engine='ray_python',
            peer='ray'),
    Program('plasma', ('{root}/bench/peers/plasma_bench.py', '--work', '{work}'), engine='plasma'),
    Program('pool', ('{root}/bench/peers/pool_bench.py',), engine='pool'),
    Program('onetbb', ('{build}/bench/onetbb_bench',), engine='onetbb', optional=True),
]



def peers_by_name():
    """{what --peers calls it: [programs]}"""
    named = {}
    for program in PEERS:
        named.setdefault(program.peer or program.name, []).append(program)
    return named


@dataclasses.dataclass
class Run:
    """What came of one program."""
    program: str
    engine: str
    load_before: float  # processes that wanted a core, on average of the last minute
    seconds: float
    kept_promises: bool
    rows: list
    output: str
    broken: list        # what it says about each promise that it has broken


def environment():
    """The caller's, without what would steer a session or lead into one that happens to be there."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(('MOBULA_', 'RAY_')) or name in PASSED_ON}


@contextlib.contextmanager
def session(build, variables):
    """The variables with a session of its own in them, which ends with the block."""
    name = f'bench-{os.getpid()}'
    command = str(build / 'tools/mobula')
    subprocess.run([command, 'start', '--session', name], check=True, env=variables, stdout=subprocess.DEVNULL,
                   timeout=SESSION_SECONDS_MAX)
    try:
        yield {**variables, 'RAY_ADDRESS': name}
    finally:
        subprocess.run([command, 'stop', '--session', name], check=False, env=variables, stdout=subprocess.DEVNULL,
                       timeout=SESSION_SECONDS_MAX)


class Runner:
    """Runs programs one at a time; what they print is kept in the report folder."""

    def __init__(self, build, work, report, quick):
        self.build, self.work, self.report, self.quick = build, work, report, quick

    def words(self, program):
        return [word.format(build=self.build, root=ROOT, work=self.work) for word in program.command]

    def is_there(self, program):
        return pathlib.Path(self.words(program)[0]).is_file()

    def run(self, program):
        """Raises BenchError when the program does not come to its end."""
        load = round(os.getloadavg()[0], 2)
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix='bench-') as folder:
            path = pathlib.Path(folder, 'rows.json')
            command = self.words(program)
            command += ['--json', str(path)] if program.gives_rows else []
            command += ['--quick'] if self.quick and program.knows_quick else []
            status, output = self.execute(program, command)
            self.check(program, status, path, output)
            rows = json.loads(path.read_text(encoding='utf-8')) if program.gives_rows else []
        broken = [] if status == 0 else list(dict.fromkeys(BROKEN_LINE.findall(output)))
        return Run(program.name, program.engine, load, round(time.monotonic() - start, 1), status == 0, rows,
                   '' if program.gives_rows else output, broken)

    def execute(self, program, command):
        """(exit status, what it printed)"""
        log_path = self.report / f'{program.name}.log'
        variables = environment()
        try:
            around = session(self.build, variables) if program.needs_session else contextlib.nullcontext(variables)
            with around as inside, open(log_path, 'wb') as log:
                status = subprocess.run(command, env=inside, stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=subprocess.STDOUT, timeout=RUN_SECONDS_MAX, check=False).returncode
        except (OSError, subprocess.SubprocessError) as error:
            raise BenchError(f'{program.name}: {error}') from error
        return status, log_path.read_text(encoding='utf-8', errors='replace')

    @staticmethod
    def check(program, status, path, output):
        """A program that has broken a promise has its figures all the same."""
        well = status in (0, BROKEN_PROMISE) and (path.is_file() or not program.gives_rows)
        if not well:
            tail = '\n'.join(output.splitlines()[-LOG_LINES_SHOWN:])
            raise BenchError(f'{program.name} ended with status {status}:\n{tail}')
