"""What the figures must show: one table, and how an entry of it is judged. Ratios are of one run on one machine."""
import dataclasses

MET, MISSED, NOT_MEASURED = 'met', 'missed', 'not measured'
FIRST_RESULT = 'init to first result'  # the rows "init" and "first task" together
TIME_UNITS = ('s', 'ms', 'us', 'ns')


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A bound for Mobula's `row`, or for its ratio to a row of another engine."""
    row: str
    bound: float
    most: bool = False  # at most `bound`; else at least
    against: str = ''   # engine whose row it is a ratio to; '' for the figure itself
    peer_row: str = ''  # '' where it is called the same
    goal: float = 0     # beyond what is required
    unit: str = ''      # of the bound, where it is for the figure itself
    required: bool = True  # else it is judged and shown, and does not count


def of_ray(row, times, peer_row='', goal=0):
    return Requirement(row, times, against='ray', peer_row=peer_row, goal=goal)


REQUIREMENTS = [
    of_ray(FIRST_RESULT, 200),
    Requirement('hello program, whole', 60, most=True, against='limits', peer_row='fork, exec and wait of /bin/true'),
    of_ray('put small', 600),
    of_ray('get small', 450),
    of_ray('put of 100000 held', 200),
    of_ray('get of 100000 results', 200),
    Requirement('put 1 MiB of double', 0.6, against='limits', peer_row='memcpy 1 MiB'),
    Requirement('put 64 MiB of double', 0.6, against='limits', peer_row='memcpy 64 MiB'),
    Requirement('put 64 MiB of double', 1.05, against='plasma'),
    of_ray('get 1 MiB of double', 30),
    Requirement('get 64 MiB of double', 0.8, against='limits', peer_row='new vector and memcpy of 64 MiB'),
    # The other way to a vector of one's own: it is written once, not filled with zeros before.
    Requirement('get 64 MiB of double', 0.8, against='limits', peer_row='copy of a vector of 64 MiB', required=False),
    of_ray('put and get a struct of 1 MiB', 15),
    of_ray('task sync', 30),
    of_ray('task sync without spinning', 20, peer_row='task sync'),
    of_ray('task async batch of 1000', 200, goal=300),
    of_ray('task chain of 100', 80),
    of_ray('task with 1 MiB ref argument', 40),
    of_ray('task returning 1 MiB', 25),
    of_ray('actor call sync', 12),
    of_ray('actor calls async batch of 1000', 40),
    of_ray('wait for 1 of 100', 300),
    Requirement('wait_1k', 30, unit='/s'),  # 6 times the 5 that Ray publishes for its own benchmark of this name
    # In Ray's C++ API such a Get does not return.
    Requirement('task getting 10000 refs', 100, against='ray_python'),
    of_ray('get of 10000 objects', 100),
    Requirement('1000000 queued tasks', 5, most=True, unit='s'),  # Ray publishes 184
    Requirement('idle PSS without segment', 30, most=True, unit='MB'),
    Requirement('copy and release of a further handle, in uncontended lock or', 2.5, most=True, unit='x'),
    # The first handle of a process finds its row, too, and makes sure that the object still is what its name says.
    Requirement('take and release, in uncontended lock or', 2.5, most=True, unit='x', required=False),
    Requirement('counting share of put', 5, most=True, unit='%'),
    Requirement('counting share of task', 5, most=True, unit='%'),
    Requirement('counting share of actor call', 5, most=True, unit='%'),
]


def by_name(rows):
    """{name: row} with the start as one row."""
    found = {row['name']: row for row in rows}
    if 'init' in found and 'first task' in found:
        seconds = found['init']['value'] + found['first task']['value']
        found = {FIRST_RESULT: {'name': FIRST_RESULT, 'value': seconds, 'unit': 's'}, **found}
    return found


def times_better(row, peer):
    """How many times better than the peer's; None when they do not measure the same."""
    if row['unit'] != peer['unit'] or not row['value'] or not peer['value']:
        return None
    if row['unit'] in TIME_UNITS:
        return peer['value'] / row['value']
    return row['value'] / peer['value']


def figure_of(requirement, row, peer):
    """What is held against the bound; None when it was not measured."""
    if row is None or (requirement.against and peer is None):
        return None
    if not requirement.against:
        return row['value']
    better = times_better(row, peer)
    return 1 / better if better and requirement.most else better


def judge(requirement, engines):
    """One dict for the report. `engines` is {engine: {name: row}}; Mobula's is 'mobula'."""
    row = engines.get('mobula', {}).get(requirement.row)
    peer = engines.get(requirement.against, {}).get(requirement.peer_row or requirement.row)
    figure = figure_of(requirement, row, peer)
    if figure is None:
        verdict = NOT_MEASURED
    else:
        verdict = MET if (figure <= requirement.bound if requirement.most else figure >= requirement.bound) else MISSED
    return {**dataclasses.asdict(requirement), 'peer_row': requirement.peer_row or requirement.row,
            'unit': row['unit'] if row else requirement.unit, 'value': row['value'] if row else None,
            'peer': peer['value'] if peer else None, 'figure': figure, 'verdict': verdict,
            **{key: side['p99_us'] for key, side in (('p99_us', row), ('peer_p99_us', peer))
               if side and 'p99_us' in side}}


def judge_all(engines, requirements=None):
    return [judge(requirement, engines) for requirement in requirements or REQUIREMENTS]
