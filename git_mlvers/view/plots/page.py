"""One HTML page with all plots, which needs nothing but itself."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

from git_mlvers.view.plots import bars, confusion, lines
from git_mlvers.view.plots.chart import Chart
from git_mlvers.view.plots.svg import element, text
from git_mlvers.view.plots.vega import specification

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.view.plots.chart import Image, Picture

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --faint: #57606a; --line: #d8dee4;
  --paper: #fff; --s0: #0969da; --s1: #d1570b; --s2: #1a7f37; --s3: #a40e9c; --s4: #9a6700;
  --s5: #0b7a83; --s6: #cf222e; --s7: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9198a1; --line: #30363d;
  --paper: #0d1117; --s0: #58a6ff; --s1: #f0883e; --s2: #3fb950; --s3: #db7ee0; --s4: #d8b24c;
  --s5: #39c5cf; --s6: #ff7b72; --s7: #8b949e; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 14px/1.4 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; }
main { display: grid; gap: 1.5rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
figure { margin: 0; padding: 1rem; min-width: 0;
  border: 1px solid var(--line); border-radius: 8px; }
figure.wide { grid-column: 1 / -1; }
figcaption { display: flex; gap: 1rem; justify-content: space-between; margin-bottom: .5rem;
  font-weight: 600; overflow-wrap: anywhere; }
figcaption a { font-weight: 400; font-size: .85em; color: var(--faint); white-space: nowrap; }
.images { display: flex; flex-wrap: wrap; gap: 1rem; }
.images div { flex: 1 1 14rem; color: var(--faint); }
.images img { display: block; max-width: 100%; background: #fff; border-radius: 4px; }
svg { display: block; width: 100%; height: auto; font-size: 12px; }
svg text { fill: var(--faint); }
.axis line { stroke: var(--line); }
.axis.x text { text-anchor: middle; }
.axis.y text { text-anchor: end; }
.axis .title { text-anchor: middle; fill: var(--ink); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.thin { stroke-width: 1; }
.dots { fill-opacity: .75; }
.matrix text { text-anchor: middle; fill: var(--ink); }
.matrix text.strong { fill: var(--paper); }
.s0 { fill: var(--s0); stroke: var(--s0); } .s1 { fill: var(--s1); stroke: var(--s1); }
.s2 { fill: var(--s2); stroke: var(--s2); } .s3 { fill: var(--s3); stroke: var(--s3); }
.s4 { fill: var(--s4); stroke: var(--s4); } .s5 { fill: var(--s5); stroke: var(--s5); }
.s6 { fill: var(--s6); stroke: var(--s6); } .s7 { fill: var(--s7); stroke: var(--s7); }
.line.s0, .line.s1, .line.s2, .line.s3, .line.s4, .line.s5, .line.s6, .line.s7 { fill: none; }
.matrix rect, .dots circle, rect.s0 { stroke: none; }
.matrix text { stroke: none; }
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Nothing on the page may load or run anything, whatever is in the repository."""

_DRAWN_BY = {
    "bar_horizontal": bars.draw,
    "bar_horizontal_sorted": bars.draw,
    "confusion": confusion.draw,
    "confusion_normalized": confusion.draw,
}


def draw(chart: Chart) -> str:
    """`chart` as an SVG element, with the template that it names."""
    return _DRAWN_BY.get(chart.template, lines.draw)(chart)


def page(plots: Iterable[Chart | Picture], title: str) -> str:
    """The whole page as HTML that is XML too."""
    figures = [_chart(plot) if isinstance(plot, Chart) else _picture(plot) for plot in plots]
    head = (
        '<meta charset="utf-8"/>'
        + element("meta", http_equiv="Content-Security-Policy", content=_POLICY)
        + '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        + element("title", text(title))
        + f"<style>{_STYLE}</style>"
    )
    body = element("h1", text(title)) + element("main", "\n".join(figures))
    html = f"<head>{head}</head>\n<body>\n{body}\n</body>"
    return f'<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml">{html}</html>\n'


def data_url(mime: str, data: bytes) -> str:
    """`data` as an address that needs no file."""
    return f"data:{mime};base64,{b64encode(data).decode('ascii')}"


def _chart(chart: Chart) -> str:
    spec = json.dumps(specification(chart), ensure_ascii=True).encode()
    link = element(
        "a",
        "Vega-Lite",
        href=data_url("application/json", spec),
        download=f"{chart.id.replace('/', '-')}.vl.json",
    )
    caption = element("figcaption", element("span", text(chart.title)) + link)
    many = chart.template.startswith("confusion") and len(chart.revisions) > 2
    return element("figure", caption + draw(chart), class_="wide" if many else None)


def _picture(picture: Picture) -> str:
    shown = [_image(image) for image in picture.images]
    caption = element("figcaption", element("span", text(picture.title)))
    wide = "wide" if len(picture.images) > 2 else None
    return element("figure", caption + element("div", "".join(shown), class_="images"), class_=wide)


def _image(image: Image) -> str:
    source = data_url(image.mime, image.data)
    return element("div", text(image.rev) + element("img", src=source, alt=image.rev))
