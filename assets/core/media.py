"""core/media: recordings as they really are, and captions beside them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import polars as pl

from assets.contracts.core import MEDIA, TURNS
from assets.core.build import define
from assets.core.judge import Judged, part
from assets.core.parts import gather
from assets.duck import connect, file_list
from assets.lake import Lake
from governance.catalog import Catalog
from governance.media_probes import CachedProbe, MediaProbes
from integrations.engine.captions import webvtt
from integrations.engine.recordings import Probe, probe, stamp

WORKERS = 8  # probing waits for storage, not for the processor
STATUSES = {
    "uri": pl.String,
    "status": pl.String,
    "status_reason": pl.String,
    "probed_duration_s": pl.Float64,
    "size_bytes": pl.Int64,
    "sha256": pl.String,
}
CAPTIONS = {"tenant": pl.String, "session_id": pl.String, "uri": pl.String, "captions_path": pl.String}
LISTED = """
    select
        tenant, session_id, day, raw_ref, first_received_at,
        utc(started_at) as session_start,
        coalesce(language, '') as language,
        unnest(media) as item
    from parts
    where len(media) > 0
"""
DECLARED = """
    select
        listed.tenant, listed.session_id, listed.day, listed.raw_ref, listed.first_received_at, listed.language,
        listed.item.uri as uri,
        coalesce(listed.item.kind, 'video') as kind,
        utc(listed.item.started_at) as started_at,
        round(epoch(listed.session_start) - epoch(utc(listed.item.started_at)), 3) as offset_s,
        listed.item.duration_s as declared_duration_s,
        listed.item.status as declared_status
    from listed
    qualify row_number() over (
        partition by listed.tenant, listed.session_id, listed.item.uri order by listed.item.duration_s desc nulls last
    ) = 1
"""
JUDGED = """
    select
        declared.* exclude (declared_status),
        case when declared.declared_status = 'copy_failed' and statuses.status <> 'available' then 'copy_failed'
            else coalesce(statuses.status, 'not_probed') end as status,
        statuses.status_reason,
        statuses.probed_duration_s,
        statuses.size_bytes,
        statuses.sha256,
        captions.captions_path
    from declared
    left join statuses using (uri)
    left join captions using (tenant, session_id, uri)
"""


def build(
    lake: Lake, days: Sequence[date], *, catalog: Catalog, probes: MediaProbes, exports: Path, now: datetime
) -> Judged:
    """Rebuild media of these days: probe what changed since the last look, write captions of what can be played.

    A recording that is gone, cut off or out of reach is a row with that status, never an error.
    """
    with lake.writing("building core/media"), lake.staging() as folder:
        con = connect(folder)
        try:
            define(con, now)
            gather(con, lake, days, catalog.engine_fields(), folder)
            con.execute(f"create temp table listed as {LISTED}")
            con.execute(f"create temp table declared as {DECLARED}")
            wanted = con.sql(
                "select distinct uri, declared_duration_s from declared where coalesce(uri, '') <> ''"
            ).fetchall()
            con.register("statuses", pl.DataFrame(_look(wanted, probes, now), schema=STATUSES, orient="row"))
            con.register("captions", pl.DataFrame(_captions(con, lake, days, exports), schema=CAPTIONS, orient="row"))
            expected = con.sql("select count(*) from declared").fetchall()[0][0]
            media = part(con, MEDIA, f"({JUDGED})", folder, expected=expected, first_seen="first_received_at")
        finally:
            con.close()
        lake.replace_days(MEDIA.path, media.good, days)
        lake.replace_days(f"{MEDIA.path}_quarantine", media.bad, days)
    return media


def _look(wanted: Sequence[tuple[str, float | None]], probes: MediaProbes, now: datetime) -> list[tuple[Any, ...]]:
    """Findings about each recording, from the cache where the object has not changed."""
    out_of_reach = {scheme: reason for scheme in {_scheme(uri) for uri, _ in wanted} if (reason := _no_reader(scheme))}
    rows: list[tuple[Any, ...]] = [
        (uri, "not_probed", out_of_reach[_scheme(uri)], None, None, None)
        for uri, _ in wanted
        if _scheme(uri) in out_of_reach
    ]
    near = {uri: declared for uri, declared in wanted if _scheme(uri) not in out_of_reach}
    if not near:
        return rows
    known = probes.known(near)
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda entry: _probe_one(entry[0], entry[1], known), near.items()))
    fresh = [
        CachedProbe(uri, mark, asdict(result), now.astimezone(UTC))
        for uri, mark, result, cached in found
        if mark is not None and not cached
    ]
    if fresh:
        probes.remember(fresh)
    return rows + [
        (uri, result.status, result.reason, result.duration_s, result.size_bytes, result.sha256)
        for uri, _, result, _ in found
    ]


def _probe_one(
    uri: str, declared: float | None, known: Mapping[str, CachedProbe]
) -> tuple[str, str | None, Probe, bool]:
    mark = stamp(uri)
    if mark is not None:
        mark = f"{mark}|{declared}"  # whether a recording is cut off depends on what was declared
    cached = known.get(uri)
    if mark is not None and cached is not None and cached.stamp == mark:
        return uri, mark, Probe(**cached.result), True
    return uri, mark, probe(uri, declared), False


def _scheme(uri: str) -> str:
    return uri.partition("://")[0] if "://" in uri else "file"


def _no_reader(scheme: str) -> str | None:
    """Why addresses of this kind cannot be read here, None where they can."""
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        return f"install the package that reads {scheme}:// ({error.name or 'see fsspec'}) and give it credentials"
    except ValueError:
        return f"{scheme}:// is not a kind of address that can be read"
    return None


def _captions(con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date], exports: Path) -> list[tuple[str, ...]]:
    """Write WebVTT of recordings that can be played and whose session has timed turns; where each one lies."""
    playable = con.sql("""
        select tenant, session_id, uri, coalesce(offset_s, 0) as offset_s, language
        from declared join statuses using (uri)
        where statuses.status in ('available', 'truncated')
        order by all
    """).fetchall()
    files = lake.files(TURNS.path, days)
    if not playable or not files:
        return []
    con.register(
        "playable", pl.DataFrame({"session_id": sorted({row[1] for row in playable})}, schema={"session_id": pl.String})
    )
    turns: dict[tuple[str, str], list[dict[str, Any]]] = {}
    query = f"""
        select tenant, session_id, speaker, text, start_s, duration_s
        from read_parquet({file_list(files)}) semi join playable using (session_id)
        order by tenant, session_id, ordinal
    """
    for tenant, session_id, speaker, text, start, duration in con.sql(query).fetchall():
        turn = {"speaker": speaker, "text": text, "start_s": start, "duration_s": duration}
        turns.setdefault((tenant, session_id), []).append(turn)
    return list(_written(playable, turns, exports))


def _written(
    playable: Sequence[tuple[str, str, str, float, str]],
    turns: Mapping[tuple[str, str], list[dict[str, Any]]],
    exports: Path,
) -> Iterable[tuple[str, ...]]:
    count: dict[tuple[str, str], int] = {}
    for tenant, session_id, uri, offset, language in playable:
        number = count[tenant, session_id] = count.get((tenant, session_id), 0) + 1
        text = webvtt(turns.get((tenant, session_id), []), offset, language or None)
        if text is None:
            continue
        path = Path("captions") / tenant / f"{_file_name(session_id)}-{number}.vtt"
        target = exports / path
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_suffix(".draft")
            draft.write_text(text, "utf-8")
            draft.replace(target)
        yield tenant, session_id, uri, str(path)


def _file_name(session_id: str) -> str:
    """A session id as a file name: what might lead elsewhere is written as its code."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda match: f".{ord(match[0]):x}.", session_id)
