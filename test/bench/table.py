# SPDX-License-Identifier: MIT
"""table: rows of a measurement, and how they are shown."""

import dataclasses
import statistics


@dataclasses.dataclass
class Row:
    """`ours` and `reference` are in `unit`; `spread` is the quarter below and above the median."""

    what: str
    ours: float
    unit: str = "ms"
    reference: float = None
    beside: str = ""                    # what the reference is
    ratio: float = None                 # median over the pairs, where there are pairs
    limit: float = None                 # budget for ours
    ratio_limit: float = None           # budget for the ratio
    ratio_least: float = None           # what the ratio is to be at least, where more is better
    spread: tuple = None
    rounds: int = None

    def __post_init__(self):
        if self.ratio is None and self.reference:
            self.ratio = self.ours / self.reference

    @property
    def verdict(self):
        if not self.budget:
            return ""
        if self.ratio_least is not None and self.ratio < self.ratio_least:
            return "short"
        over = (self.limit is not None and self.ours > self.limit) or \
               (self.ratio_limit is not None and self.ratio > self.ratio_limit)
        return "over" if over else "ok"

    @property
    def budget(self):
        if self.ratio_limit is not None:
            return f"ratio {self.ratio_limit:g}"
        if self.ratio_least is not None:
            return f"ratio ≥ {self.ratio_least:g}"
        return f"{self.limit:g} {self.unit}" if self.limit is not None else ""

    def to_json(self):
        return {**dataclasses.asdict(self), "verdict": self.verdict}


def of_times(what, ours_us, reference_us=None, **more):
    """A row of measured times in microseconds, shown in milliseconds; pairs give the ratio."""
    quarters = statistics.quantiles(ours_us, n=4) if len(ours_us) > 1 else (ours_us[0],) * 3
    row = Row(what, statistics.median(ours_us) / 1000, rounds=len(ours_us),
              spread=(quarters[0] / 1000, quarters[2] / 1000), **more)
    if reference_us:
        row.reference = statistics.median(reference_us) / 1000
        row.ratio = statistics.median(ours / other for ours, other in zip(ours_us, reference_us))
    return row


def _number(value, unit=""):
    if value is None:
        return ""
    text = f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


_HEADS = ("what", "ours", "middle half", "reference", "", "ratio", "budget", "")


def _cells(row):
    spread = f"{_number(row.spread[0])} … {_number(row.spread[1])}" if row.spread and row.rounds > 1 else ""
    return (row.what, _number(row.ours, row.unit), spread, _number(row.reference, row.unit), row.beside,
            f"{row.ratio:.2f}" if row.ratio is not None else "", row.budget, row.verdict)


def show(sections):
    """The text of [(title, [Row])]; numbers stand to the right."""
    right = {1, 2, 3, 5, 6}
    cells = [_HEADS] + [_cells(row) for _, rows in sections for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_HEADS))]

    def line(words):
        return "  ".join(word.rjust(width) if i in right else word.ljust(width)
                         for i, (word, width) in enumerate(zip(words, widths))).rstrip()

    out = [line(_HEADS)]
    for title, rows in sections:
        out += ["", title] + [line(_cells(row)) for row in rows]
    return "\n".join(out)
