"""Colours and figure defaults that hold on a light and on a dark page."""

import json
from html import escape
from typing import Any

import plotly.graph_objects as go

# Okabe and Ito's palette: told apart with every common colour deficiency, and at least 3:1 on both backgrounds
# for the three that carry data.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY = "#7A8796"
BAND_OPACITY = 0.22
GRID = "rgba(122,135,150,.25)"
SEVERITY = {"critical": VERMILION, "high": VERMILION, "medium": ORANGE, "low": SKY, "info": GREY}
SEVERITY_SYMBOL = {"critical": "x", "high": "x", "medium": "triangle-up", "low": "circle", "info": "circle"}

# For groups drawn together: colour and symbol change at once.
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")

LETTERING = {"light": "#33404F", "dark": "#CBD5E1"}
PAPER = {"light": "#FFFFFF", "dark": "#10161F"}  # the pages' own backgrounds, as .streamlit/config.toml has them


def config(file: str) -> dict[str, Any]:
    """How a chart behaves: one button, which saves it as a PNG named ``file`` at twice its size."""
    return {
        "displayModeBar": True,
        "modeBarButtons": [["toImage"]],
        "displaylogo": False,
        "toImageButtonOptions": {"format": "png", "filename": file, "scale": 2},
        "responsive": True,
        "scrollZoom": False,
    }


def logo(name: str, accent: str | None, dark: bool) -> str:
    """The mark in the bar of pages: an initial on the customer's colour, and the customer's name."""
    colour = LETTERING["dark" if dark else "light"]
    width = 46 + 10 * len(name)  # generous: a font that is wider than expected must not be cut
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="28" viewBox="0 0 {width} 28" role="img">'
        f'<rect width="28" height="28" rx="6" fill="{accent or BLUE}"/>'
        '<text x="14" y="20" text-anchor="middle" font-family="sans-serif" font-size="16" font-weight="700" '
        f'fill="#FFFFFF">{escape(name[:1].upper())}</text>'
        f'<text x="37" y="19.5" font-family="sans-serif" font-size="15" font-weight="600" fill="{colour}">'
        f"{escape(name)}</text></svg>"
    )


def rgba(colour: str, opacity: float) -> str:
    """A hex colour with an opacity."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def palette(place: int) -> str:
    """The colour of the n-th group."""
    return SERIES[place % len(SERIES)]


def for_dark(figure: go.Figure) -> go.Figure:
    """The same figure with the blues lightened: they carry the data, and fade on a dark page."""
    text = figure.to_json() or "{}"
    for light, dark in ((BLUE, "#3E96D6"), (SKY, "#A5D4F2")):
        text = text.replace(light, dark).replace(rgba(light, 0)[:-2], rgba(dark, 0)[:-2])
    return go.Figure(json.loads(text))


def finish(figure: go.Figure, height: int, left: int = 48, bottom: int = 40, top: int = 16) -> go.Figure:
    """Margins, grid and hover that all figures share; fonts and background come from the page's theme."""
    figure.update_layout(
        height=height,
        margin={"l": left, "r": 16, "t": top, "b": bottom},
        hovermode="closest",
        dragmode=False,
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, fixedrange=True)
    return figure
