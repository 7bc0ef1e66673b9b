"""Hide cells that are too small, and as many others as it takes that subtraction gives none of them away.

A mart with roll-ups is a table with margins: along every line (one dimension varies, the others stand still) the
children add up to the row marked ``*``. Three rules follow, each necessary:

1. a cell with fewer learners than the minimum is hidden (primary);
2. where a line's total is shown, its hidden children together have at least the minimum of learners and are at
   least two: the rest of the line subtracted from the total must not describe a small group; where the total
   itself is hidden, at least one child is;
3. no combination of lines determines a hidden cell (rule 2 alone leaves "bridges" from two dimensions upwards).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

ALL = "*"


@dataclass(frozen=True)
class Cells:
    """How a mart's rows hang together.

    ``fixed`` are dimensions without a roll-up, ``rollups`` those that have one, ``figures`` the columns that a
    hidden row loses. ``n_learners`` is always one of them. Where one total is split in several ways (by role, by
    start), ``partition`` names the way and the last roll-up the part: the parts of each way add up to the same total.
    """

    fixed: tuple[str, ...]
    rollups: tuple[str, ...]
    figures: tuple[str, ...]
    partition: str | None = None


def suppress(frame: pl.DataFrame, cells: Cells, minimum: int) -> pl.DataFrame:
    """Blank the figures of hidden rows and add ``suppressed``; the rows and their order stay."""
    hidden = hidden_cells(frame, cells, minimum)
    return frame.with_columns(suppressed=hidden).with_columns(
        pl.when(pl.col("suppressed")).then(None).otherwise(pl.col(name)).alias(name) for name in cells.figures
    )


def hidden_cells(frame: pl.DataFrame, cells: Cells, minimum: int) -> pl.Series:
    """True for each row that must not be shown."""
    learners = frame["n_learners"].fill_null(0).to_numpy().astype(np.int64)
    hidden = learners < minimum
    if cells.rollups and hidden.any():
        touched = _blocks(frame, cells, hidden)
        for block in touched:
            hidden[block.rows] = _protect(block, learners[block.rows], hidden[block.rows], minimum)
    return pl.Series("suppressed", hidden)


@dataclass(frozen=True)
class _Block:
    """The rows that share the fixed dimensions, and their lines as (position of the total, positions of children)."""

    rows: np.ndarray
    lines: list[tuple[int | None, np.ndarray]]


def _blocks(frame: pl.DataFrame, cells: Cells, hidden: np.ndarray) -> list[_Block]:
    """The blocks with a hidden row; the others have nothing to protect."""
    names = list(cells.rollups)
    ways = [cells.partition] if cells.partition else []
    marked = frame.select(*cells.fixed, *names, *ways).with_columns(
        _row=pl.int_range(pl.len()), _hidden=pl.Series(hidden)
    )
    fixed = list(cells.fixed)
    keep = marked.filter(pl.col("_hidden").any().over(fixed)) if fixed else marked
    parts = keep.partition_by(fixed, maintain_order=True) if fixed else [keep]
    return [_Block(part["_row"].to_numpy(), _lines(_coordinates(part, cells), len(names))) for part in parts]


def _coordinates(part: pl.DataFrame, cells: Cells) -> list[tuple]:
    """Where each row stands along the roll-ups; a part of a partition carries the way it belongs to."""
    points = part.select(cells.rollups).rows()
    if cells.partition is None:
        return points
    ways = part[cells.partition].to_list()
    return [
        point if point[-1] == ALL else (*point[:-1], (way, point[-1])) for point, way in zip(points, ways, strict=True)
    ]


def _lines(points: Sequence[tuple], dimensions: int) -> list[tuple[int | None, np.ndarray]]:
    lines: list[tuple[int | None, np.ndarray]] = []
    for axis in range(dimensions):
        totals: dict[tuple, int] = {}
        children: dict[tuple[tuple, str | None], list[int]] = {}
        for position, point in enumerate(points):
            rest = point[:axis] + point[axis + 1 :]
            if point[axis] == ALL:
                totals[rest] = position
            else:
                way = point[axis][0] if isinstance(point[axis], tuple) else None
                children.setdefault((rest, way), []).append(position)
        lines += [(totals.get(rest), np.array(below)) for (rest, _), below in children.items()]
    return lines


def _protect(block: _Block, learners: np.ndarray, hidden: np.ndarray, minimum: int) -> np.ndarray:
    """Hide further cells until both rules hold; each round hides at least one, so it ends."""
    hidden = hidden.copy()
    while True:
        changed = True
        while changed:
            mended = [_mend(total, below, learners, hidden, minimum) for total, below in block.lines]
            changed = any(mended)
        bridges = determined(block.lines, hidden)
        if not bridges.any():
            return hidden
        _hide_near(block, learners, hidden, int(np.flatnonzero(bridges)[0]))


def _mend(total: int | None, below: np.ndarray, learners: np.ndarray, hidden: np.ndarray, minimum: int) -> bool:
    """Bring one line into order in place; True where something had to be hidden."""
    if total is None:
        return False
    veiled = hidden[below]
    if hidden[total]:
        if veiled.any():
            return False
        hidden[below[np.argmin(learners[below])]] = True
        return True
    if not veiled.any():
        return False
    order = below[np.argsort(learners[below], kind="stable")]
    changed = False
    for cell in order:
        count, together = int(hidden[below].sum()), int(learners[below[hidden[below]]].sum())
        if count >= 2 and together >= minimum:
            return changed
        if not hidden[cell]:
            hidden[cell] = changed = True
    count, together = int(hidden[below].sum()), int(learners[below[hidden[below]]].sum())
    if count < 2 or together < minimum:
        hidden[total] = changed = True
    return changed


def determined(lines: Sequence[tuple[int | None, np.ndarray]], hidden: np.ndarray) -> np.ndarray:
    """True for each hidden cell that the shown ones determine through the lines' equations.

    A hidden value is free exactly if some vector of the equations' null space moves it.
    """
    unknown = np.flatnonzero(hidden)
    answer = np.zeros(len(hidden), bool)
    column = {int(cell): place for place, cell in enumerate(unknown)}
    rows = []
    for total, below in lines:
        if total is None:
            continue
        row = np.zeros(len(unknown))
        for cell in below[hidden[below]]:
            row[column[int(cell)]] = 1.0
        if hidden[total]:
            row[column[total]] = -1.0
        if row.any():
            rows.append(row)
    if not rows:
        return answer
    _, values, right = np.linalg.svd(np.array(rows), full_matrices=True)
    rank = int((values > 1e-9).sum())
    answer[unknown] = np.abs(right[rank:]).max(axis=0, initial=0.0) < 1e-9
    return answer


def _hide_near(block: _Block, learners: np.ndarray, hidden: np.ndarray, cell: int) -> None:
    """Hide the smallest shown cell that shares a line with the given one, or failing that of the block."""
    near = [
        other
        for total, below in block.lines
        if total is not None and (cell == total or cell in below)
        for other in (total, *below.tolist())
        if not hidden[other]
    ] or np.flatnonzero(~hidden).tolist()
    hidden[min(near, key=lambda other: learners[other])] = True
