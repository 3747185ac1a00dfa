"""What a storm prints at its end."""
import statistics

BAD = {'wrong counts': 'count too', 'wrong data': 'wrong data', 'hangs': 'hang'}


def quantiles(values_us):
    """p50, p99 and the greatest, in microseconds; None without values."""
    if not values_us:
        return None
    ordered = sorted(values_us)
    return {'count': len(ordered), 'p50_us': statistics.median_low(ordered),
            'p99_us': ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 'max_us': ordered[-1]}


def describe_us(value):
    return f'{value} us' if value < 10_000 else f'{value / 1000:.1f} ms' if value < 10_000_000 else f'{value / 1e6:.1f} s'


def describe_quantiles(found):
    if not found or not found.get('count'):
        return 'not measured'
    return (f'p50 {describe_us(found["p50_us"])}, p99 {describe_us(found["p99_us"])}, max {describe_us(found["max_us"])}'
            f' ({found["count"]})')


def count_bad(failures):
    """{kind: how many of the failures are of it}."""
    lines = [line for failure in failures for line in failure.splitlines()]
    return {kind: sum(text in line for line in lines) for kind, text in BAD.items()}


def not_hit(windows, points):
    """Names of the windows in which nobody was killed although somebody could have been."""
    return [points.names[point] for point in points.reachable() if sum(windows[point]) == 0]


def table(rows):
    """Lines of two or more columns, the first one to the left, all others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return '\n'.join('  '.join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])])
                     for row in rows)


def rows_of(result):
    """What the two engines are compared by: (name, text)."""
    kills = result['kills']
    rows = [('kills', f'{kills["workers"] + kills["drivers"]}'), ('of workers', kills['workers']),
            ('of drivers', kills['drivers'])]
    if kills.get('points') is not None:
        rows += [('at any instant', kills['random']), ('at a crash point', kills['points'])]
    rows += [('calls of the API', result['calls']), ('typed errors, explained by kills', result['worker_errors']),
             ('objects lost although held', result['lost']), ('errors that no kill explains', result['other_errors']),
             ('wrong data', result['wrong data']), ('hangs', result['hangs'])]
    if result.get('wrong counts') is not None:
        rows.append(('wrong counts', result['wrong counts']))
    rows += [('worker killed to next result of a task', describe_quantiles(result['answers'])),
             ('death to all reclaimed', describe_quantiles(result.get('reclaim'))),
             ('bytes left in the store', result['store_bytes_left']), ('bytes left of shared memory', result['shmem_bytes_left']),
             ('processes left', result['processes_left']), ('time', f'{result["seconds"]:.1f} s')]
    return rows


def windows_table(windows, points):
    rows = [('window (last crash point passed)', 'random', 'armed')]
    for point, name in enumerate(points.names[:points.clients]):
        reason = points.unreachable.get(name)
        rows.append((name, *windows[point]) if reason is None else (f'{name}: unreachable, {reason}', *windows[point]))
    return table(rows)
