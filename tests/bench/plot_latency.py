"""The latencies on a logarithmic scale: a line from p50 by p99 to p99.9, with the median of each as a dot."""
import math

from plot_bars import BAR, BOTTOM, LABEL, STEP, TOP, kind, label

QUANTILES = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))


class Scale:
    """Microseconds → x, from one power of ten to another."""

    def __init__(self, values, width):
        self.low = math.floor(math.log10(max(1, min(values))))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.width = width - LABEL - 80

    def x(self, value):
        return LABEL + (math.log10(max(1, value)) - self.low) / (self.high - self.low) * self.width

    def grid(self, bottom):
        for power in range(self.low, self.high + 1):
            x = self.x(10 ** power)
            yield (f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}"/>'
                   f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{10 ** power / 1000:g}</text>')


def track(line, y, scale):
    dots = [(scale.x(line[name]), text) for name, text in QUANTILES]
    return (label(line, y + 4) + f'<line x1="{dots[0][0]:.1f}" x2="{dots[-1][0]:.1f}" y1="{y}" y2="{y}"/>' +
            "".join(f'<circle class="{kind(line)}" cx="{x:.1f}" cy="{y}" r="5"><title>{text}</title></circle>'
                    for x, text in dots))


def panel(lines, width):
    """Returns (svg, its height)."""
    shown = [line for line in lines if line["section"] == "latency"]
    if not shown:
        return "", 0
    bottom = TOP + STEP * len(shown)
    scale = Scale([line[name] for line in shown for name, _ in QUANTILES], width)
    tracks = [track(line, TOP + STEP * place + BAR / 2, scale) for place, line in enumerate(shown)]
    heading = f'<text x="{LABEL - 8}" y="{TOP - 12}" text-anchor="end">ms: p50, p99, p99.9</text>'
    return "\n".join([heading, *scale.grid(bottom), *tracks]), bottom + BOTTOM
