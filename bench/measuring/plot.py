"""Scaling curves as SVG: log-log axes, one file by itself, standard library only."""
import math
import re
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 48, 64  # margins around the axes
LEGEND_LINE = 18
COLOURS = ['#1b6ca8', '#c8452e', '#2f8f4e', '#8a4fb0', '#b8860b', '#00838f', '#d1447c', '#555555']
STEPS = (1, 2, 5)
LABELLED_DECADES_MAX = 2.5  # on a longer axis only powers of ten are labelled
SIZES_LABELLED_MAX = 8  # of x: more of them get the labels of a ladder
HEIGHT_TIMES_MIN = 10  # from the least to the greatest y: a flat curve shall look flat
CURVE_NAME = re.compile(r'(.*?), ([^,]+(?:, total)?)$')
FONT = 'font-family="sans-serif" font-size="13"'


def ladder(least, greatest):
    """The numbers 1, 2, 5, 10, ... from the last at or below `least` to the first at or above `greatest`; at least two."""
    first = math.floor(math.log10(least)) - 1
    last = math.ceil(math.log10(greatest)) + 1
    steps = [step * 10.0 ** power for power in range(first, last + 1) for step in STEPS]
    below = max(i for i, step in enumerate(steps) if step <= least * 1.000001)
    above = min(i for i, step in enumerate(steps) if step >= greatest * 0.999999)
    if below == above:
        below, above = below - 1, above + 1
    return steps[below:above + 1]


def number(value):
    """Short: 0.5, 200, 20 k, 16,384, 1 M."""
    if value >= 1e4 and value % 100:
        return f'{value:,.0f}'
    for size, letter in ((1e9, 'G'), (1e6, 'M'), (1e4, 'k')):
        if value >= size * 0.999999:
            scale = 1e3 if letter == 'k' else size
            return f'{value / scale:g} {letter}'
    return f'{value:g}'


class Axis:
    """One logarithmic axis between two places on the page, from the first to the last of the steps."""

    def __init__(self, steps, labelled, start, end):
        self.steps, self.labelled = steps, labelled
        self.start, self.end = start, end

    def place(self, value):
        low, high = math.log10(self.steps[0]), math.log10(self.steps[-1])
        return self.start + (math.log10(value) - low) / (high - low) * (self.end - self.start)


def labelled_of(steps):
    wide = math.log10(steps[-1] / steps[0]) > LABELLED_DECADES_MAX
    powers = [step for step in steps if math.isclose(math.log10(step), round(math.log10(step)), abs_tol=1e-6)]
    return powers if wide else steps


def size_axis(values, start, end):
    """Of x: few sizes are labelled as they are."""
    sizes = sorted(set(values))
    if 1 < len(sizes) <= SIZES_LABELLED_MAX:
        return Axis(sizes, sizes, start, end)
    steps = ladder(sizes[0], sizes[-1])
    return Axis(steps, labelled_of(steps), start, end)


def figure_axis(values, start, end):
    """Of y."""
    least, greatest = min(values), max(values)
    wider = math.sqrt(max(1.0, HEIGHT_TIMES_MIN / (greatest / least)))
    steps = ladder(least / wider, greatest * wider)
    return Axis(steps, labelled_of(steps), start, end)


def text(x, y, words, anchor='middle', more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def grid(x_axis, y_axis, x_label, y_label):
    """Lines and labels of both axes."""
    left, right, bottom, top = x_axis.start, x_axis.end, y_axis.start, y_axis.end
    parts = []
    for step in x_axis.labelled:
        x = x_axis.place(step)
        parts += [f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#dddddd"/>',
                  text(x, bottom + 20, number(step))]
    for step in y_axis.labelled:
        y = y_axis.place(step)
        parts += [f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>',
                  text(left - 8, y + 4, number(step), 'end')]
    middle = (top + bottom) / 2
    return parts + [
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="none" stroke="#444444"/>',
        text((left + right) / 2, bottom + 44, x_label),
        text(20, middle, y_label, more=f'transform="rotate(-90 20 {middle:.1f})"')]


def curve(points, x_axis, y_axis, colour):
    places = [(x_axis.place(x), y_axis.place(y)) for x, y in points]
    line = ' '.join(f'{x:.1f},{y:.1f}' for x, y in places)
    return [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)]


def legend(names):
    parts = []
    for i, name in enumerate(names):
        y = HEIGHT + i * LEGEND_LINE
        parts += [f'<rect x="{LEFT}" y="{y}" width="22" height="4" fill="{COLOURS[i % len(COLOURS)]}"/>',
                  text(LEFT + 32, y + 7, name, 'start')]
    return parts


def svg(title, x_label, y_label, curves):
    """The text of an SVG file. `curves` is {name: [(x, y)]}; a point that no logarithm knows (0 or less) is left out."""
    kept = {name: sorted((x, y) for x, y in points if x > 0 and y > 0) for name, points in curves.items()}
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        raise ValueError(f'no point above 0: {title}')
    x_axis = size_axis([x for points in kept.values() for x, _ in points], LEFT, WIDTH - RIGHT)
    y_axis = figure_axis([y for points in kept.values() for _, y in points], HEIGHT - BOTTOM, TOP)
    height = HEIGHT + len(kept) * LEGEND_LINE + 8
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             f'viewBox="0 0 {WIDTH} {height}" {FONT}>',
             f'<title>{escape(title)}</title>',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             text(WIDTH / 2, 28, title, more='font-size="16" font-weight="bold"'),
             *grid(x_axis, y_axis, x_label, y_label)]
    for i, points in enumerate(kept.values()):
        parts += curve(points, x_axis, y_axis, COLOURS[i % len(COLOURS)])
    return '\n'.join([*parts, *legend(kept), '</svg>', ''])


def groups(rows):
    """{(group, unit): {line: [(x, y)]}} of rows with "curve" and "x". Curves of one group and one unit share a plot. A
    curve is called "LINE, GROUP", and GROUP is what x counts: "put of 1 MiB, touched, MiB of the store"; it may end with
    ", total"."""
    found = {}
    for row in rows:
        if row.get('curve'):
            named = CURVE_NAME.match(row['curve'])
            line, group = named.groups() if named else (row['curve'], row['curve'])
            lines = found.setdefault((group, row['unit']), {})
            lines.setdefault(line, []).append((row['x'], row['value']))
    return found
