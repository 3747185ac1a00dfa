"""The report of a run: its JSON object, its Markdown, its plots."""
import dataclasses
import json
import os
import pathlib
import platform
import re

from . import plot, requirements

ENGINE_NAMES = {'mobula': 'Mobula', 'limits': "the machine's limits", 'ray': 'Ray C++', 'ray_python': 'Ray, Python',
                'plasma': 'plasma',
                'pool': 'Python pool', 'onetbb': 'oneTBB, one process'}
TOTAL = ', total'  # a curve's name may end so: see plot.groups
ENGINES_COMPARED = ('ray', 'ray_python', 'plasma', 'pool', 'onetbb')


def machine():
    """Where the figures come from."""
    facts = {'processor': 'unknown processor', 'MemTotal': 0}
    for line in pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
        if line.startswith('model name'):
            facts['processor'] = line.split(':', 1)[1].strip()
            break
    memory = re.search(r'^MemTotal:\s+(\d+)', pathlib.Path('/proc/meminfo').read_text(encoding='ascii'), re.MULTILINE)
    return {'processor': facts['processor'], 'cores': len(os.sched_getaffinity(0)), 'kernel': platform.release(),
            'memory_gib': round(int(memory.group(1)) / (1 << 20), 1)}


def engines_of(runs):
    """{engine: {name: row}} of all runs."""
    rows = {}
    for run in runs:
        rows.setdefault(run.engine, []).extend({**row, 'program': run.program} for row in run.rows)
    return {engine: requirements.by_name(found) for engine, found in rows.items()}


def ratios(engines):
    """One dict for each row that Mobula and a peer share."""
    ours = engines.get('mobula', {})
    return [{'row': name, 'against': engine, 'ratio': better}
            for engine in ENGINES_COMPARED for name, peer in engines.get(engine, {}).items()
            if name in ours and (better := requirements.times_better(ours[name], peer)) is not None]


def make(runs, pattern=None, quick=False, build_options=None):
    """Everything as one object; `pattern` leaves only rows and requirements whose name has a match."""
    engines = engines_of(runs)
    wanted = requirements.REQUIREMENTS
    if pattern is not None:
        engines = {engine: {name: row for name, row in rows.items() if pattern.search(name) or engine == 'limits'}
                   for engine, rows in engines.items()}
        wanted = [requirement for requirement in wanted if pattern.search(requirement.row)]
    return {'machine': machine(), 'build': build_options or {}, 'quick': quick,
            'runs': [{key: value for key, value in dataclasses.asdict(run).items() if key != 'rows'} for run in runs],
            'rows': {engine: list(rows.values()) for engine, rows in engines.items()},
            'ratios': ratios(engines),
            'requirements': [requirements.judge(requirement, engines) for requirement in wanted],
            'plots': []}


def write_plots(report, folder):
    """One SVG for each group of curves; their names go into the report."""
    for (group, unit), curves in plot.groups(report['rows'].get('mobula', [])).items():
        words = f'{group} {unit}'.replace('/', 'per ')
        name = re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-') + '.svg'
        sizes, total = (group.removesuffix(TOTAL), TOTAL) if group.endswith(TOTAL) else (group, '')
        figures = unit_words(unit) + total
        title = f'{figures[0].upper()}{figures[1:]}, by {sizes}'
        drawn = plot.svg(title, sizes, figures, curves)
        (folder / name).write_text(drawn, encoding='utf-8')
        report['plots'].append({'file': name, 'title': title, 'curves': sorted(curves)})


def unit_words(unit):
    return {'/s': 'operations each second', 'ns': 'nanoseconds each', 'us': 'microseconds', 'ms': 'milliseconds',
            's': 'seconds'}.get(unit, unit)


# --- Markdown

def figure(value, unit):
    if value is None:
        return ''
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
    return f'{value:,.{digits}f} {unit}'.rstrip()


def times(value):
    if value < 0.1:
        return f'{value:.2g}x'
    return f'{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}x'


def table(heads, lines):
    """The first column on the left, the others on the right."""
    return ['| ' + ' | '.join(heads) + ' |', '|---|' + '---:|' * (len(heads) - 1),
            *('| ' + ' | '.join(line) + ' |' for line in lines), '']


def bound_text(judged):
    words = 'at most ' if judged['most'] else 'at least '
    bound = f'{judged["bound"]:g}x' if judged['against'] else f'{judged["bound"]:g} {judged["unit"]}'
    goal = f' (goal {judged["goal"]:g}x)' if judged['goal'] else ''
    return words + bound + goal + ('' if judged['required'] else ', not required')


def requirement_line(judged):
    against = ENGINE_NAMES[judged['against']] if judged['against'] else ''
    if judged['against'] and judged['peer_row'] != judged['row']:
        against = judged['peer_row'] if judged['against'] == 'limits' else f'{against}: {judged["peer_row"]}'
    missed = judged['verdict'] == requirements.MISSED and judged['required']
    verdict = '**missed**' if missed else judged['verdict']
    ratio = times(judged['figure']) if judged['against'] and judged['figure'] is not None else ''
    ours = figure_text(judged['value'], judged['unit'], judged.get('p99_us'))
    peers = figure_text(judged['peer'], judged['unit'], judged.get('peer_p99_us'))
    return [judged['row'], ours, against, peers, ratio, bound_text(judged), verdict]


def peers_table(report):
    by_engine = {engine: {row['name']: row for row in rows} for engine, rows in report['rows'].items()}
    engines = [engine for engine in ENGINES_COMPARED if engine in by_engine]
    if not engines:
        return []
    known = {(ratio['row'], ratio['against']): ratio['ratio'] for ratio in report['ratios']}
    ours = by_engine.get('mobula', {})
    names = list(dict.fromkeys([*ours, *(name for engine in engines for name in by_engine[engine])]))
    lines = []
    for name in names:
        cells = [peer_cell(by_engine[engine].get(name), known.get((name, engine))) for engine in engines]
        if any(cells):
            lines.append([name, row_cell(ours.get(name)), *cells])
    return ['## Beside the peers', '', 'In parentheses: how many times better Mobula is.', '',
            *table(['work', 'Mobula', *(ENGINE_NAMES[engine] for engine in engines)], lines)]


def row_cell(row):
    return '' if row is None else figure_text(row['value'], row['unit'], row.get('p99_us'))


def figure_text(value, unit, p99_us):
    return figure(value, unit) + ('' if p99_us is None else f', p99 {figure(p99_us, "us")}')


def peer_cell(row, ratio):
    return row_cell(row) + (f' ({times(ratio)})' if ratio is not None else '')


def rows_table(title, rows):
    lines = [[row['name'], row_cell(row), row.get('program', '')] for row in rows if not row.get('curve')]
    return [f'## {title}', '', *table(['row', 'figure', 'program'], lines)] if lines else []


def curves_part(report):
    if not report['plots']:
        return []
    drawn = [f'![{plotted["title"]}]({plotted["file"]})' for plotted in report['plots']]
    points = []
    for (group, unit), curves in plot.groups(report['rows'].get('mobula', [])).items():
        for line, values in curves.items():
            shown = ', '.join(f'{plot.number(x)}: {figure(y, "")}' for x, y in sorted(values))
            points.append([f'{line}, {group}' if line != group else line, unit, shown])
    return ['## Curves', '', *drawn, '', *table(['curve', 'unit', 'at x: figure'], points)]


def where_text(report):
    place = report['machine']
    loads = ', '.join(f'{run["program"]} {run["load_before"]}' for run in report['runs'])
    quick = ' Short spans (--quick): figures are rough.' if report['quick'] else ''
    return (f'{place["processor"]}, {place["cores"]} cores, {place["memory_gib"]} GiB, Linux {place["kernel"]}. '
            f'Load before: {loads}.{quick}')


def counts(report):
    verdicts = [judged['verdict'] for judged in report['requirements'] if judged['required']]
    words = ', '.join(f'{verdicts.count(verdict)} {verdict}'
                      for verdict in (requirements.MET, requirements.MISSED, requirements.NOT_MEASURED))
    return f'Requirements: {words}.'


def broken_part(report):
    """Each promise of a program that its own figures break."""
    lines = [f'- {run["program"]}: {told}' for run in report['runs'] if not run['kept_promises']
             for told in run['broken'] or ['see what it has printed']]
    return ['Promises that are broken:', '', *lines, ''] if lines else []


def markdown(report):
    outputs = [part for run in report['runs'] if run['output']
               for part in (f'## {run["program"]}', '', '```text', run['output'].rstrip(), '```', '')]
    heads = ['work', 'Mobula', 'against', 'its figure', 'ratio', 'required', '']
    return '\n'.join([
        '# Benchmarks', '', where_text(report), '', counts(report), '', *broken_part(report), '## Requirements', '',
        *table(heads, map(requirement_line, report['requirements'])), *peers_table(report),
        *rows_table("The machine's limits", report['rows'].get('limits', [])),
        *rows_table('All rows of Mobula', report['rows'].get('mobula', [])), *curves_part(report), *outputs])


def all_met(report):
    """False when a requirement is missed or a program has broken a promise of its own."""
    return (all(judged['verdict'] != requirements.MISSED for judged in report['requirements'] if judged['required'])
            and all(run['kept_promises'] for run in report['runs']))


def write(report, folder):
    write_plots(report, folder)
    (folder / 'bench.json').write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    (folder / 'bench.md').write_text(markdown(report), encoding='utf-8')
