"""The rates as a bar chart, in SVG: a bar is the median, the thin line over it goes from the lowest round to
the highest. Limits are grey."""
from xml.sax.saxutils import escape

WIDTH, LABEL, STEP, BAR, TOP = 960, 400, 30, 18, 40
STYLE = "text{font:13px sans-serif;fill:#222}.limit{fill:#9aa0a6}.own{fill:#2b7a78}.peer{fill:#c4823a}" \
        "line{stroke:#222;stroke-width:1.5}"


def kind(line):
    if line["limit"] is None:
        return "limit"
    return "peer" if line["name"].startswith("peer-") else "own"


def bar(line, y, scale):
    right = LABEL + line["rate"] * scale
    middle = y + BAR / 2
    label = escape(line["title"].replace("`", ""))
    return (f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{label}</text>'
            f'<rect class="{kind(line)}" x="{LABEL}" y="{y}" width="{right - LABEL:.1f}" height="{BAR}"/>'
            f'<line x1="{LABEL + line["rate_min"] * scale:.1f}" x2="{LABEL + line["rate_max"] * scale:.1f}" '
            f'y1="{middle}" y2="{middle}"/>'
            f'<text x="{LABEL + line["rate_max"] * scale + 6:.1f}" y="{middle + 4}">{line["rate"]:,.0f}</text>')


def svg(lines):
    shown = [line for line in lines if "rate" in line]
    height = TOP + STEP * len(shown) + 10
    scale = (WIDTH - LABEL - 80) / max([line["rate_max"] for line in shown], default=1)
    bars = "\n".join(bar(line, TOP + STEP * place, scale) for place, line in enumerate(shown))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}">\n<style>{STYLE}</style>\n'
            f'<rect width="100%" height="100%" fill="white"/>\n'
            f'<text x="{LABEL}" y="24">events a second</text>\n{bars}\n</svg>\n')
