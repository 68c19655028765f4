"""Growth as curves on a logarithmic x: events a second, and the worker's memory, of each series: a line of the
medians, and over each point one from the lowest round to the highest."""
import math
from xml.sax.saxutils import escape

TOP, BOTTOM, HEIGHT, LEFT, GAP = 40, 40, 130, 90, 90
SERIES = (("events", "events"), ("views", "views"), ("rows", "rows"))
FIGURES = (("rate", "events/s", 1), ("peak_kib", "peak RSS, MiB", 1024))


class Frame:
    """Where a curve is drawn: x from its least to its largest, on a logarithmic scale; y from 0."""

    def __init__(self, left, top, width, points):
        self.left, self.bottom, self.width = left, top + HEIGHT, width
        logs = [math.log10(x) for x, *_ in points]
        self.low, self.span = min(logs), max(logs) - min(logs) or 1
        self.most = max(most for *_, most in points) or 1

    def x(self, value):
        return self.left + (math.log10(value) - self.low) / self.span * self.width

    def y(self, value):
        return self.bottom - value / self.most * HEIGHT


def short(number):
    """1,500,000 as 1.5M: the points stand close together."""
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def points_of(lines, series, figure, unit):
    """[(x, median, least, most), …]"""
    found = [line for line in lines if line.get("point", [None])[0] == series]
    return sorted((line["point"][1], *(line.get(name, line[figure]) / unit
                                       for name in (figure, figure + "_min", figure + "_max"))) for line in found)


def curve(points, frame):
    at = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y, *_ in points)
    yield f'<polyline class="curve" points="{at}"/>'
    for x, y, least, most in points:
        yield (f'<line x1="{frame.x(x):.1f}" x2="{frame.x(x):.1f}" y1="{frame.y(least):.1f}" y2="{frame.y(most):.1f}"/>'
               f'<circle class="own" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="4"/>'
               f'<text x="{frame.x(x):.1f}" y="{frame.bottom + 18}" text-anchor="middle">{short(x)}</text>')


def axes(frame, heading):
    right, top = frame.left + frame.width, frame.bottom - HEIGHT
    for y, value in ((frame.bottom, 0), (top, frame.most)):
        yield (f'<line class="grid" x1="{frame.left}" x2="{right:.1f}" y1="{y}" y2="{y}"/>'
               f'<text x="{frame.left - 8}" y="{y + 4}" text-anchor="end">{value:,.0f}</text>')
    yield f'<text x="{frame.left}" y="{top - 14}">{escape(heading)}</text>'


def panel(lines, width):
    """Returns (svg, its height): a row of frames for each figure."""
    shown = [line for line in lines if line["section"] == "growth"]
    parts, rows = [], 0
    each = (width - LEFT - GAP * (len(SERIES) - 1) - 40) / len(SERIES)
    for figure, unit, divisor in FIGURES:
        row = [(points, name, place) for place, (series, name) in enumerate(SERIES)
               if (points := points_of(shown, series, figure, divisor))]
        for points, name, place in row:
            frame = Frame(LEFT + place * (each + GAP), TOP + rows, each, points)
            parts += [*axes(frame, f"{unit}, by {name}"), *curve(points, frame)]
        rows += TOP + HEIGHT + BOTTOM if row else 0
    return "\n".join(parts), rows
