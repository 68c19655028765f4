"""The rates as bars: a bar is the median, the thin line over it goes from the lowest round to the highest.
Limits are grey."""
from xml.sax.saxutils import escape

LABEL, STEP, BAR, TOP, BOTTOM = 400, 30, 18, 40, 20
SECTIONS = ("rates", "rebuild")


def kind(line):
    if line["limit"] is None:
        return "limit"
    return "peer" if line["name"].startswith("peer-") else "own"


def label(line, y):
    return f'<text x="{LABEL - 8}" y="{y}" text-anchor="end">{escape(line["title"].replace("`", ""))}</text>'


def bar(line, y, scale):
    right = LABEL + line["rate"] * scale
    middle = y + BAR / 2
    return (label(line, middle + 4) +
            f'<rect class="{kind(line)}" x="{LABEL}" y="{y}" width="{right - LABEL:.1f}" height="{BAR}"/>'
            f'<line x1="{LABEL + line["rate_min"] * scale:.1f}" x2="{LABEL + line["rate_max"] * scale:.1f}" '
            f'y1="{middle}" y2="{middle}"/>'
            f'<text x="{LABEL + line["rate_max"] * scale + 6:.1f}" y="{middle + 4}">{line["rate"]:,.0f}</text>')


def panel(lines, width):
    """Returns (svg, its height)."""
    shown = [line for line in lines if line["section"] in SECTIONS]
    if not shown:
        return "", 0
    scale = (width - LABEL - 80) / max(line["rate_max"] for line in shown)
    bars = "\n".join(bar(line, TOP + STEP * place, scale) for place, line in enumerate(shown))
    return f'<text x="{LABEL}" y="24">events a second</text>\n{bars}', TOP + STEP * len(shown) + BOTTOM
