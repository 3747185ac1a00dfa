"""Judges the session's own figures by what the drivers say that they hold."""


def judge_holdings(look, said):
    """What is wrong at a quiet moment. `look`: {'problems': [text], 'clients': {pid: {'objects', 'handles', 'pins'}}},
    where a client may lack figures that nobody gave; `said`: {pid: {...}} by the drivers. All others hold nothing."""
    problems = [f'audit: {text}' for text in look['problems']]
    for pid, own in said.items():
        if pid not in look['clients']:
            problems.append(f'driver {pid} is no client of the session')
            continue
        seen = look['clients'][pid]
        for what, count in own.items():
            if what in seen and seen[what] != count:
                direction = 'high' if seen[what] > count else 'low'
                problems.append(f'count too {direction}: driver {pid} holds {count} {what}, the session says {seen[what]}')
    for pid, seen in look['clients'].items():
        if pid in said:
            continue
        for what in ('objects', 'handles', 'pins'):
            if seen.get(what, 0) != 0:
                problems.append(f'count too high: process {pid} holds nothing, the session says {seen[what]} {what}')
    return problems


def judge_emptiness(look, said):
    """What is left after every driver has dropped all that it held."""
    problems = judge_holdings(look, {pid: dict.fromkeys(own, 0) for pid, own in said.items()})
    for what in ('objects', 'used_bytes'):
        if look[what] != 0:
            problems.append(f'left behind: {what} {look[what]}')
    return problems


def is_quiet(status, alive):
    """True when no task is under way, and no actor and no client is left that has ended."""
    tasks = status['tasks']
    return status.get('actors', 0) == 0 and tasks['queued'] == 0 and tasks['running'] == 0 and all(alive(c['pid']) for c in status['clients'])


def read_doctor(answer):
    """The look that `mobula doctor --json` gives."""
    return {'problems': [f'{one["ledger"]}: {one["text"]}' for one in answer['problems']],
            'objects': answer['objects'], 'used_bytes': answer['bytes']['used'],
            'clients': {one['pid']: {what: one[what] for what in ('objects', 'handles', 'pins')}
                        for one in answer['clients']}}


def read_status(answer):
    """The same as far as `mobula status --json` knows it: without an audit."""
    return {'problems': [], 'objects': answer['store']['objects'], 'used_bytes': answer['store']['used_bytes'],
            'clients': {one['pid']: {'objects': one['objects_held']} for one in answer['clients']}}
