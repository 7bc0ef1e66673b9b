"""The engine's API, simulated: conversations listed and verbose over a folder, made, held in rooms, and ended."""

import gzip
import hmac
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from integrations.engine.simulator.generate import API_KEY, CONVERSATIONS
from integrations.engine.simulator.rooms import Rooms
from integrations.engine.simulator.session import iso

Row = dict[str, Any]
SHUTDOWN = "end_conversation_endpoint_hit"


class _Denied(Exception):  # noqa: N818 - the answer, not a fault
    """The key is missing or wrong."""


def load(out: Path) -> dict[str, Row]:
    """Verbose rows by conversation id, newest first as the engine lists them.

    Raises:
        FileNotFoundError: the folder holds no simulation.
    """
    with gzip.open(out / CONVERSATIONS) as file:
        rows = [orjson.loads(line) for line in file]
    return {row["conversation_id"]: row for row in sorted(rows, key=lambda row: row["created_at"], reverse=True)}


def app(out: Path | None, key: str = API_KEY, rooms: Rooms | None = None) -> FastAPI:
    """The API over the folder that ``generate`` wrote, or over nothing yet; what is made and ended lives in memory.

    With ``rooms`` a conversation that is made can be held: its address shows a room of this very server.
    """
    rows = {} if out is None else load(out)
    api = FastAPI(title="Simulated role-play engine", version="2", docs_url=None, redoc_url=None)

    def allowed(x_api_key: str | None = Header(default=None)) -> None:
        if not hmac.compare_digest((x_api_key or "").encode(), key.encode()):
            raise _Denied

    @api.exception_handler(_Denied)
    async def denied(*_: object) -> JSONResponse:
        return JSONResponse({"message": "Invalid access token"}, 401)

    for router in (_reading(rows), _writing(rows, rooms)):
        api.include_router(router, prefix="/v2/conversations", dependencies=[Depends(allowed)])
    if rooms is not None:
        api.include_router(_holding(rows, rooms), prefix="/rooms")
    return api


def _reading(rows: dict[str, Row]) -> APIRouter:
    routes = APIRouter()

    @routes.get("")
    def conversations(
        limit: int = Query(default=10, ge=1, le=100), page: int = Query(default=1, ge=1), status: str | None = None
    ) -> dict[str, Any]:
        found = [row for row in rows.values() if status in (None, row["status"])]
        shown = found[(page - 1) * limit : page * limit]
        return {"data": [brief(row) for row in shown], "total_count": len(found)}

    @routes.get("/{conversation_id}")
    def conversation(conversation_id: str, verbose: bool = False) -> Response:
        row = rows.get(conversation_id)
        if row is None:
            return _unknown()
        return JSONResponse(row if verbose else brief(row))

    return routes


def _writing(rows: dict[str, Row], rooms: Rooms | None) -> APIRouter:
    routes = APIRouter()

    @routes.post("")
    def create(request: Request, body: Row = Body()) -> Response:  # noqa: B008 - how FastAPI is told
        if not (body.get("replica_id") or body.get("face_id")):
            return JSONResponse({"error": "replica_id is required"}, 400)
        row = created(body, datetime.now(UTC))
        rows[row["conversation_id"]] = row
        if rooms is not None and row["status"] == "active":
            row["conversation_url"] = f"{request.base_url}rooms/{row['conversation_id']}"
            rooms.open(row, body, datetime.now(UTC))
        return JSONResponse(brief(row) | ({"meeting_token": "simulated"} if body.get("require_auth") else {}))

    @routes.post("/{conversation_id}/end")
    def end(conversation_id: str) -> Response:
        return _ended(rows, rooms, conversation_id)

    @routes.delete("/{conversation_id}")
    def delete(conversation_id: str, hard: bool = False) -> Response:
        return Response(status_code=204) if rows.pop(conversation_id, None) else _unknown()

    return routes


def _holding(rows: dict[str, Row], rooms: Rooms) -> APIRouter:
    routes = APIRouter()

    @routes.get("/{conversation_id}")
    def room(conversation_id: str) -> Response:
        page = rooms.page(conversation_id)
        return _unknown() if page is None else HTMLResponse(page)

    @routes.get("/{conversation_id}/film.mp4")
    def film(conversation_id: str) -> Response:
        path = rooms.film(conversation_id)
        return _unknown() if path is None else FileResponse(path)

    @routes.post("/{conversation_id}/leave")
    def leave(conversation_id: str) -> Response:
        return _ended(rows, rooms, conversation_id)

    return routes


def _ended(rows: dict[str, Row], rooms: Rooms | None, conversation_id: str) -> Response:
    """End a conversation once; what was held in a room is delivered before the answer."""
    row = rows.get(conversation_id)
    if row is None:
        return _unknown()
    if row["status"] != "ended":
        ended(row, datetime.now(UTC))
        if rooms is not None:
            rooms.close(row)
    return Response(status_code=200)


def _unknown() -> Response:
    return JSONResponse({"message": "Invalid conversation_id"}, 404)


def brief(row: Row) -> Row:
    """A row as lists show it: without its events."""
    return {name: value for name, value in row.items() if name != "events"}


def created(body: Row, now: datetime) -> Row:
    """The row of a new conversation; a test conversation is over at once."""
    conversation_id = f"c{uuid.uuid4().hex[:11]}"
    kept = ("replica_id", "face_id", "persona_id", "pal_id", "conversation_name", "callback_url", "properties")
    return {name: body[name] for name in kept if name in body} | {
        "conversation_id": conversation_id,
        "conversation_url": f"https://tavus.daily.co/{conversation_id}",
        "status": "ended" if body.get("test_mode") else "active",
        "test_mode": bool(body.get("test_mode")),
        "created_at": iso(now),
        "updated_at": iso(now),
        "events": None,
    }


def ended(row: Row, now: datetime) -> None:
    """Close a row the way the end endpoint does."""
    event = {"event_type": "system.shutdown", "timestamp": iso(now), "properties": {"reason": SHUTDOWN}}
    row.update(status="ended", updated_at=iso(now), events=[*(row["events"] or []), event])
