"""Plots of scaling curves: well-formed, every point where it belongs, nothing lost but what no logarithm knows."""
import pathlib
import sys
import unittest
from xml.etree import ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bench'))
sys.dont_write_bytecode = True
from measuring import plot  # noqa: E402

SPACE = '{http://www.w3.org/2000/svg}'
CURVES = {'put': [(1, 100), (10, 110), (100, 90), (1000, 105)], 'get <any> & all': [(1, 900), (1000, 20000)]}


def drawn(curves, title='live objects'):
    return ElementTree.fromstring(plot.svg(title, 'objects', 'nanoseconds each', curves))


def words(picture):
    return [node.text for node in picture.iter(SPACE + 'text')]


class Svg(unittest.TestCase):
    def test_every_point_and_every_curve_is_there(self):
        picture = drawn(CURVES)
        self.assertEqual(len(list(picture.iter(SPACE + 'circle'))), 6)
        self.assertEqual(len(list(picture.iter(SPACE + 'polyline'))), 2)

    def test_title_axes_and_legend_are_named(self):
        shown = words(drawn(CURVES))
        for expected in ('live objects', 'objects', 'nanoseconds each', 'put', 'get <any> & all'):
            self.assertIn(expected, shown)

    def test_it_refers_to_nothing_outside(self):
        text = plot.svg('t', 'x', 'y', CURVES)
        self.assertNotIn('href', text)
        self.assertNotIn('url(', text)

    def test_points_lie_inside_the_axes_and_grow_to_the_right_and_up(self):
        places = [(float(node.get('cx')), float(node.get('cy')))
                  for node in drawn({'one': [(1, 1), (30, 40), (70000, 9e8)]}).iter(SPACE + 'circle')]
        self.assertEqual(places, sorted(places))
        self.assertEqual([y for _, y in places], sorted((y for _, y in places), reverse=True))
        for x, y in places:
            self.assertTrue(plot.LEFT <= x <= plot.WIDTH - plot.RIGHT and plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM)

    def test_what_is_not_above_0_is_left_out(self):
        self.assertEqual(len(list(drawn({'one': [(0, 5), (1, 0), (2, 3)], 'none': [(1, 0)]}).iter(SPACE + 'circle'))), 1)
        with self.assertRaises(ValueError):
            plot.svg('t', 'x', 'y', {'one': [(1, 0)]})

    def test_one_single_value_has_axes_all_the_same(self):
        self.assertEqual(len(list(drawn({'one': [(8, 8)]}).iter(SPACE + 'circle'))), 1)


class Axes(unittest.TestCase):
    def test_a_ladder_encloses_its_values(self):
        self.assertEqual(plot.ladder(3, 40), [2, 5, 10, 20, 50])
        self.assertEqual([round(step, 6) for step in plot.ladder(0.02, 0.02)], [0.01, 0.02, 0.05])
        for least, greatest in ((1, 1e9), (0.001, 7), (999, 1001)):
            steps = plot.ladder(least, greatest)
            self.assertTrue(steps[0] <= least * 1.00001 and steps[-1] >= greatest * 0.99999 and len(steps) >= 2)

    def test_numbers_are_short(self):
        self.assertEqual([plot.number(value) for value in (0.5, 200, 5000, 16384, 20000, 1e6, 2e9)],
                         ['0.5', '200', '5000', '16,384', '20 k', '1 M', '2 G'])

    def test_few_sizes_are_labelled_as_they_are_and_many_by_a_ladder(self):
        self.assertEqual(plot.size_axis([64, 1, 2, 2, 4], 0, 10).labelled, [1, 2, 4, 64])
        self.assertEqual(plot.size_axis(range(1, 20), 0, 10).labelled, [1, 2, 5, 10, 20])
        self.assertEqual(plot.size_axis([8, 8], 0, 10).labelled, [5, 10])

    def test_a_flat_curve_looks_flat(self):
        axis = plot.figure_axis([3.3, 3.8], 0, 100)
        self.assertLess(axis.place(3.8) - axis.place(3.3), 10)
        self.assertTrue(30 < axis.place(3.5) < 70)


class Groups(unittest.TestCase):
    def test_lines_of_one_group_and_unit_share_a_plot(self):
        rows = [{'name': 'a', 'value': 5, 'unit': 'ns', 'curve': 'put, live objects', 'x': 1},
                {'name': 'b', 'value': 6, 'unit': 'ns', 'curve': 'put, live objects', 'x': 10},
                {'name': 'c', 'value': 7, 'unit': 'ns', 'curve': 'get, live objects', 'x': 1},
                {'name': 'd', 'value': 8, 'unit': '/s', 'curve': 'get, live objects', 'x': 1},
                {'name': 'e', 'value': 9, 'unit': 's', 'curve': 'alone', 'x': 1},
                {'name': 'f', 'value': 9, 'unit': 's'}]
        self.assertEqual(plot.groups(rows), {
            ('live objects', 'ns'): {'put': [(1, 5), (10, 6)], 'get': [(1, 7)]},
            ('live objects', '/s'): {'get': [(1, 8)]}, ('alone', 's'): {'alone': [(1, 9)]}})

    def test_the_group_is_the_last_part_of_the_name(self):
        names = {'put, threads, total': ('put', 'threads, total'),
                 'put of 1 MiB, touched, MiB of the store': ('put of 1 MiB, touched', 'MiB of the store')}
        for name, (line, group) in names.items():
            self.assertEqual(plot.groups([{'value': 1, 'unit': 's', 'curve': name, 'x': 1}]),
                             {(group, 's'): {line: [(1, 1)]}})


if __name__ == '__main__':
    unittest.main()
