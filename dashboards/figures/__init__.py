"""Pure functions from frames to Plotly figures; each page's figures in a module of their own."""
