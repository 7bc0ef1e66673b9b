"""No hidden cell can be worked out from shown ones."""

from itertools import product

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.marts.suppression import ALL, Cells, determined, hidden_cells, suppress

TREND = Cells(("week",), ("region", "scenario_id"), ("n_learners", "n"))
MINIMUM = 10


def table(counts: dict[tuple[str, ...], int]) -> pl.DataFrame:
    """A table with margins over disjoint groups of people: every roll-up is the sum of its cells."""
    totals: dict[tuple[str, ...], int] = {}
    for point, people in counts.items():
        for veil in product((False, True), repeat=len(point)):
            rolled = tuple(ALL if hide else name for name, hide in zip(point, veil, strict=True))
            totals[rolled] = totals.get(rolled, 0) + people
    names = ["region", "scenario_id", "assigned"][: len(next(iter(counts)))]
    rows = [(1, *point, people, people) for point, people in totals.items()]
    return pl.DataFrame(rows, schema=["week", *names, "n_learners", "n"], orient="row")


def shown(frame: pl.DataFrame, cells: Cells = TREND) -> set[tuple[str, ...]]:
    kept = suppress(frame, cells, MINIMUM).filter(~pl.col("suppressed"))
    return set(kept.select(cells.rollups).rows())


def test_nothing_is_hidden_where_every_cell_is_large() -> None:
    assert len(shown(table({("A", "x"): 20, ("A", "y"): 20, ("B", "x"): 20, ("B", "y"): 20}))) == 9


def test_a_single_small_cell_takes_its_smallest_siblings_with_it() -> None:
    frame = table(dict.fromkeys(product("ABC", "xyz"), 30) | {("A", "x"): 3})
    left = shown(frame)
    assert ("A", "x") not in left
    # one more in its row, one in its column, and the corner that closes the loop
    assert 16 - len(left) == 4
    assert (ALL, ALL) in left


def test_hidden_siblings_together_are_no_small_group() -> None:
    frame = table({("A", "x"): 3, ("A", "y"): 3, ("A", "z"): 40, ("A", "w"): 50})
    hidden = suppress(frame, TREND, MINIMUM).filter(pl.col("suppressed") & (pl.col("region") == "A"))
    together = table({("A", s): n for s, n in (("x", 3), ("y", 3), ("z", 40))})["n"].max()
    assert set(hidden["scenario_id"]) >= {"x", "y", "z"}
    assert together == 46


def test_all_cells_too_small_hides_the_total_only_if_it_is_small_itself() -> None:
    assert shown(table({("A", "x"): 4, ("B", "y"): 3})) == set()
    assert shown(table({("A", "x"): 8, ("B", "y"): 8})) == {(ALL, ALL)}


def test_a_lone_child_is_hidden_together_with_its_total() -> None:
    assert shown(table({("A", "x"): 5})) == set()


def test_hidden_rows_stay_and_lose_their_figures_alone() -> None:
    frame = table({("A", "x"): 3, ("B", "x"): 40})
    after = suppress(frame, TREND, MINIMUM)
    assert after.height == frame.height
    row = after.filter((pl.col("region") == "A") & (pl.col("scenario_id") == "x")).row(0, named=True)
    assert row["suppressed"]
    assert row["n"] is None
    assert row["n_learners"] is None


def test_without_roll_ups_only_small_cells_go() -> None:
    frame = pl.DataFrame({"item": ["a", "b"], "n_learners": [9, 10], "n": [9, 10]})
    assert suppress(frame, Cells(("item",), (), ("n_learners", "n")), MINIMUM)["suppressed"].to_list() == [True, False]


def test_a_cell_without_known_learners_is_hidden() -> None:
    frame = pl.DataFrame({"item": ["a"], "n_learners": [None], "n": [400]}, schema_overrides={"n_learners": pl.Int64})
    assert suppress(frame, Cells(("item",), (), ("n_learners", "n")), MINIMUM)["n"].to_list() == [None]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[pl.DataFrame, Cells]:
    dimensions = draw(st.integers(1, 3))
    names = ("region", "scenario_id", "assigned")[:dimensions]
    points = list(product(*("ABCD"[: draw(st.integers(1, 4))] for _ in names)))
    sizes = st.one_of(st.integers(0, 12), st.integers(0, 60))
    counts = {point: size for point in points if (size := draw(sizes)) > 0}
    counts = counts or {points[0]: 5}
    return table(counts), Cells(("week",), names, ("n_learners", "n"))


@settings(max_examples=150)
@given(crowds())
def test_no_differencing_reveals_a_hidden_cell(case: tuple[pl.DataFrame, Cells]) -> None:
    """Solve for the hidden cells with every equation that the roll-ups give; none may have one solution."""
    frame, cells = case
    hidden = hidden_cells(frame, cells, MINIMUM).to_numpy()
    points = frame.select(cells.rollups).rows()
    place = {point: position for position, point in enumerate(points)}
    equations = []
    for axis in range(len(cells.rollups)):
        lines: dict[tuple, list[int]] = {}
        for point, position in place.items():
            if point[axis] != ALL:
                lines.setdefault((*point[:axis], ALL, *point[axis + 1 :]), []).append(position)
        equations += [(place[total], np.array(children)) for total, children in lines.items()]
    unknown = np.flatnonzero(hidden)
    system = np.zeros((len(equations), len(points)))
    for row, (total, children) in enumerate(equations):
        system[row, children] = 1
        system[row, total] = -1
    system = system[:, unknown]
    rank = np.linalg.matrix_rank(system) if unknown.size else 0
    for column in range(unknown.size):
        unit = np.zeros(unknown.size)
        unit[column] = 1
        assert np.linalg.matrix_rank(np.vstack([system, unit])) > rank, points[unknown[column]]
    assert not determined(equations, hidden).any()


@settings(max_examples=150)
@given(crowds())
def test_what_is_left_of_a_shown_total_is_no_small_group(case: tuple[pl.DataFrame, Cells]) -> None:
    frame, cells = case
    hidden = hidden_cells(frame, cells, MINIMUM).to_numpy()
    people = frame["n"].to_numpy()
    assert (people[~hidden] >= MINIMUM).all()
    points = frame.select(cells.rollups).rows()
    for position, point in enumerate(points):
        for axis in (a for a, name in enumerate(point) if name == ALL):
            children = [
                p
                for p, other in enumerate(points)
                if other[axis] != ALL and other[:axis] == point[:axis] and other[axis + 1 :] == point[axis + 1 :]
            ]
            rest = people[[p for p in children if hidden[p]]]
            if not hidden[position] and rest.size:
                assert rest.sum() >= MINIMUM


def split_two_ways(people: dict[tuple[str, str, str], int]) -> pl.DataFrame:
    """Regions by role and, of the same people, by month of start; people are (region, role, start) → count."""
    totals: dict[tuple[str, str, str], int] = {}
    for (region, role, start), count in people.items():
        for place in (region, ALL):
            for cell in ((place, "all", ALL), (place, "role", role), (place, "started", start)):
                totals[cell] = totals.get(cell, 0) + count
    rows = [(*cell, count, count) for cell, count in totals.items()]
    return pl.DataFrame(rows, schema=["region", "dimension", "cohort", "n_learners", "n"], orient="row")


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("AB"), st.sampled_from(["rep", "lead", "coach"]), st.sampled_from(["08", "09"])),
        st.integers(1, 40),
        min_size=1,
    )
)
@settings(max_examples=60)
def test_no_part_of_either_split_follows_from_total_and_siblings(people: dict[tuple[str, str, str], int]) -> None:
    cells = Cells((), ("region", "cohort"), ("n_learners", "n"), "dimension")
    frame = split_two_ways(people)
    kept = suppress(frame, cells, MINIMUM)
    hidden = {row[:3]: row[3] for row, veil in zip(frame.rows(), kept["suppressed"], strict=True) if veil}
    counts = {row[:3]: row[3] for row in frame.rows()}
    assert all(counts[cell] >= MINIMUM for cell in counts if cell not in hidden)
    for region in {cell[0] for cell in counts}:
        for way in ("role", "started"):
            parts = [cell for cell in counts if cell[:2] == (region, way)]
            veiled = [counts[cell] for cell in parts if cell in hidden]
            if veiled and (region, "all", ALL) not in hidden:
                assert len(veiled) >= 2
                assert sum(veiled) >= MINIMUM
