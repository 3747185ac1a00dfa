"""Is a figure that was sampled over time growing? A straight line through the samples, with its confidence interval."""
import dataclasses
import math

# Two-sided 99.9 % of Student's t, by degrees of freedom; in between, that of the next smaller number is the careful
# choice. So wide, because one false alarm in a thousand runs is enough.
STUDENT = {3: 12.924, 4: 8.610, 5: 6.869, 6: 5.959, 8: 5.041, 10: 4.587, 15: 4.073, 20: 3.850, 30: 3.646, 60: 3.460,
           120: 3.373}
SAMPLES_MIN = 5
PAGE_KIB = 4


@dataclasses.dataclass
class Slope:
    slope: float
    half_width: float  # of the 99.9 % confidence interval
    level: float       # mean of the samples
    span: float        # of the time axis

    def may_be_zero(self):
        """Not distinguishable from zero, or so little over the whole run that no page can have been lost."""
        return abs(self.slope) <= self.half_width or abs(self.slope) * self.span < PAGE_KIB


def slope_of(samples):
    """Least squares over [(x, y)]. REQUIRES: SAMPLES_MIN samples or more, at different x."""
    count = len(samples)
    if count < SAMPLES_MIN:
        raise ValueError(f'{count} samples are too few for a slope')
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in samples)
    student = next(value for freedom, value in sorted(STUDENT.items(), reverse=True) if freedom <= count - 2)
    return Slope(slope, student * math.sqrt(rest / (count - 2) / spread), mean_y,
                 max(x for x, _ in samples) - min(x for x, _ in samples))
