"""Plots: as drawings in one page that needs no network, and as Vega-Lite specifications.

`chart` is what is to be drawn, `svg` and what it uses draws it, `vega` describes
it for Vega-Lite, and `page` puts everything into HTML.
"""
