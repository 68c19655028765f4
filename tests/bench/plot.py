"""The plot, in SVG: a panel for each kind of figure, one below the other."""
import plot_bars
import plot_growth
import plot_latency

WIDTH = 960
STYLE = "text{font:13px sans-serif;fill:#222}.limit{fill:#9aa0a6}.own{fill:#2b7a78}.peer{fill:#c4823a}" \
        "line,polyline{stroke:#222;stroke-width:1.5;fill:none}line.grid{stroke:#ddd}"
PANELS = (plot_bars.panel, plot_latency.panel, plot_growth.panel)


def svg(lines):
    """lines: as summary.py makes them; those without figures are left out."""
    shown = [line for line in lines if "rounds" in line]
    height, parts = 0, []
    for panel in PANELS:
        text, rows = panel(shown, WIDTH)
        parts.append(f'<g transform="translate(0 {height})">\n{text}\n</g>' if text else "")
        height += rows
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}">\n<style>{STYLE}</style>\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(filter(None, parts)) + "\n</svg>\n")
