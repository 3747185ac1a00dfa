"""Which crash point is armed next: the one with the fewest hits, if it is passed at all."""
import collections
import time

PASSES_MAX = 200           # a point that is passed often kills at any of so many passes
WAIT_SECONDS_MAX = 0.4     # then another point is armed
MISS_WEIGHT = 4            # a miss costs the time of so many hits: a rare point must not take all of it

# Points that this mix cannot come to, each with the reason.
UNREACHABLE = {}


class Points:
    """Names of the crash points; the first `clients` of them are clients'."""

    def __init__(self, names, clients, unreachable=None):
        self.names = names
        self.clients = clients
        self.unreachable = UNREACHABLE if unreachable is None else unreachable

    def reachable(self):
        return [point for point in range(self.clients) if self.names[point] not in self.unreachable]


class Targets:
    def __init__(self, points, random):
        self.points = points
        self.random = random
        self.hits = {point: 0 for point in points.reachable()}
        self.misses = dict.fromkeys(self.hits, 0)
        self.armed = None
        self.lately = collections.deque(maxlen=2)
        self.until = 0
        self.last_passes = None
        self.last_time = 0
        self.rates = {}

    def must_change(self):
        """True when a new point is to be armed: the last one was hit, or nobody comes by."""
        return self.armed is None or time.monotonic() > self.until

    def hit(self, point):
        """An armed point has killed: this one, or the one before it."""
        self.armed = None
        if point in self.hits:
            self.hits[point] += 1

    def disarmed(self):
        self.armed = None

    def was_armed(self, point):
        """A process may be on its way to its death at a point when another one is armed."""
        return point is not None and point in self.lately

    def learn(self, passes):
        """How often each point was passed lately."""
        now = time.monotonic()
        if self.last_passes is not None and now - self.last_time < 0.5:
            return
        if self.last_passes is not None:
            self.rates = {point: (passes[point] - self.last_passes[point]) / (now - self.last_time) for point in self.hits}
        self.last_passes, self.last_time = passes, now

    def choose(self, passes):
        """The point to arm, and at which pass from now on it kills."""
        if self.armed is not None:
            self.misses[self.armed] += 1
        self.learn(passes)
        point = min(self.hits, key=lambda one: (self.hits[one] + MISS_WEIGHT * self.misses[one], self.random.random()))
        rate = self.rates.get(point, 0)
        often = rate * WAIT_SECONDS_MAX / 4
        nth = self.random.randint(1, max(1, min(PASSES_MAX, int(often))))
        self.armed = point
        self.lately.append(point)
        self.until = time.monotonic() + WAIT_SECONDS_MAX
        return point, nth
