"""A figure: values of alternating rounds, their median and spread, and what
they are to reach."""

import math
import statistics


class Figure:
    """values: one a round. parts: what the ratio is of, as text.

    target: what is to be reached; loose: below (or above) which something is
    badly broken, whatever the noise. Both as (">=" or "<=", number).
    """

    def __init__(self, name, what, unit, values, target=None, loose=None,
                 **parts):
        self.name, self.what, self.unit = name, what, unit
        self.values = [float(v) for v in values]
        self.target, self.loose, self.parts = target, loose, parts
        self.skipped = None

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def reached(self):
        return self.target is None or _holds(self.median, self.target)

    @property
    def broken(self):
        return (self.skipped is None and self.loose is not None
                and not _holds(self.median, self.loose))

    def as_json(self):
        if self.skipped is not None:
            return {"name": self.name, "skipped": self.skipped}
        return {"name": self.name, "what": self.what, "unit": self.unit,
                "median": self.median, "least": min(self.values),
                "most": max(self.values), "values": self.values,
                "to_reach": self.target and " ".join(map(str, self.target)),
                "reached": self.reached if self.target else None,
                "parts": self.parts}

    def as_text(self):
        if self.skipped is not None:
            return f"{self.name}: SKIPPED: {self.skipped}"
        text = f"{self.name}: {self.what}: {_short(self.median)} {self.unit}"
        if len(self.values) > 1:
            text += (f" ({_short(min(self.values))} to "
                     f"{_short(max(self.values))})")
        if self.target:
            text += (f"; to reach {self.target[0]} {_short(self.target[1])}: "
                     + ("yes" if self.reached else "NO"))
        if self.parts:
            text += "; " + ", ".join(
                f"{key.replace('_', ' ')} {value}"
                for key, value in self.parts.items())
        return text


def skipped(name, why):
    figure = Figure(name, "", "", [0])
    figure.skipped = why
    return figure


def alternate(rounds, **measures):
    """Each in turn, the order reversed every other round: {name: values}."""
    values = {name: [] for name in measures}
    for i in range(rounds):
        names = list(measures)
        for name in names if i % 2 == 0 else reversed(names):
            values[name].append(measures[name]())
    return values


def ratios(above, below):
    return [a / b for a, b in zip(above, below)]


def rate(values):
    """Instances a second, as text."""
    return f"{_short(statistics.median(values))}/s"


def _holds(value, limit):
    return value >= limit[1] if limit[0] == ">=" else value <= limit[1]


def _short(value):
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}"
