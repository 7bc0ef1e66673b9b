"""Colours and figure defaults that hold on a light and on a dark page."""

import plotly.graph_objects as go

# Okabe and Ito's palette: told apart with every common colour deficiency, and at least 3:1 on both backgrounds
# for the three that carry data.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY = "#7A8796"
BAND_OPACITY = 0.22
GRID = "rgba(122,135,150,.25)"
SEVERITY = {"critical": VERMILION, "high": VERMILION, "medium": ORANGE, "low": SKY, "info": GREY}
SEVERITY_SYMBOL = {"critical": "x", "high": "x", "medium": "triangle-up", "low": "circle", "info": "circle-open"}

CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


def rgba(colour: str, opacity: float) -> str:
    """A hex colour with an opacity."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


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
