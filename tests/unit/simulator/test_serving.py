"""Posting to a gateway, serving the pull API, recordings that play, and the fast history."""

from collections import Counter
from datetime import date
from pathlib import Path

import av
import httpx
import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient

from governance.catalog import Catalog
from integrations.engine import simulator
from integrations.engine.bundle import SessionBundle
from integrations.engine.pull import PullClient
from integrations.engine.simulator import api, history, posting


class Gateway:
    """Notes what arrives and answers as told."""

    def __init__(self, fail_first: int = 0, status: int = 200) -> None:
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []
        self.left, self.status = fail_first, status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.left:
            self.left -= 1
            return httpx.Response(503, json={"reason": "busy"})
        self.requests.append((request.url.path, request.content, dict(request.headers)))
        try:
            orjson.loads(request.content.splitlines()[0])
        except orjson.JSONDecodeError:
            return httpx.Response(400, json={"rule": "not_json"})
        return httpx.Response(self.status, json={})


def posted(simulation, gateway: Gateway, **more) -> simulator.Sent:
    transport = httpx.MockTransport(gateway)
    return simulator.post(simulation.out, "http://gateway", {"acme": "t"}, transport=transport, **more)


def test_post_sends_everything_launches_first_late_ones_last(ugly) -> None:
    gateway, seen = Gateway(), []
    sent = posted(ugly, gateway, concurrency=1, progress=lambda done, total: seen.append((done, total)))
    paths = [path for path, _, _ in gateway.requests]
    assert paths[0] == "/v1/launches"
    assert paths[-1] == "/v1/launches"
    launches = [orjson.loads(body) for path, body, _ in gateway.requests if path == "/v1/launches"]
    late = {one["conversation_id"] for one in launches[-1]}
    assert late == set(ugly.truth.late_launches)
    assert sum(map(len, launches)) == ugly.truth.counts["launches"]
    arrived = Counter(paths)
    pulls = sum(1 for line in ugly.lines("deliveries.jsonl") if line["channel"] == "pull")
    assert sum(arrived.values()) - len(launches) == (
        ugly.truth.counts["deliveries"] - pulls + ugly.truth.counts["relay_files"]
    )
    assert sent.not_sent == pulls
    assert sent.refused == ugly.truth.counts["malformed"]
    assert all(headers["authorization"] == "Bearer t" for _, _, headers in gateway.requests)
    assert any("x-tavus-signature" in headers for _, _, headers in gateway.requests)
    assert seen[-1][0] == seen[-1][1] == len(paths)
    assert "accepted" in str(sent)


def test_post_tries_again_and_gives_up_clearly(clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "PAUSE_S", 0.0)
    assert posted(clean, Gateway(fail_first=3)).retries == 3
    with pytest.raises(posting.PostError, match="refuses the token"):
        posted(clean, Gateway(status=401))
    with pytest.raises(posting.PostError, match="after 5 tries"):
        posted(clean, Gateway(fail_first=10**6))


def test_post_names_what_is_missing(clean, tmp_path: Path) -> None:
    with pytest.raises(posting.PostError, match="ROLECALL_GATEWAY_TOKENS"):
        simulator.post(clean.out, "http://gateway", {"globex": "t"})
    with pytest.raises(posting.PostError, match=r"truth\.json"):
        simulator.post(tmp_path, "http://gateway", {"acme": "t"})


@pytest.fixture
def engine(ugly) -> TestClient:
    return TestClient(api.app(ugly.out), headers={"x-api-key": simulator.API_KEY})


def test_api_wants_its_key(ugly) -> None:
    client = TestClient(api.app(ugly.out))
    assert client.get("/v2/conversations").status_code == 401
    assert client.get("/v2/conversations", headers={"x-api-key": "wrong"}).json() == {"message": "Invalid access token"}


def test_api_lists_and_shows(engine: TestClient, ugly) -> None:
    page = engine.get("/v2/conversations", params={"limit": 7, "page": 2}).json()
    assert len(page["data"]) == 7
    assert page["total_count"] == ugly.truth.counts["sessions_cvi"]
    one = page["data"][0]
    assert "events" not in one
    verbose = engine.get(f"/v2/conversations/{one['conversation_id']}", params={"verbose": "true"}).json()
    assert {k: v for k, v in verbose.items() if k != "events"} == one
    assert engine.get("/v2/conversations/unknown").status_code == 404


def test_api_creates_ends_and_deletes(engine: TestClient) -> None:
    assert engine.post("/v2/conversations", json={}).status_code == 400
    row = engine.post("/v2/conversations", json={"face_id": "r1", "pal_id": "p1"}).json()
    assert row["status"] == "active"
    path = f"/v2/conversations/{row['conversation_id']}"
    assert engine.post(f"{path}/end").status_code == 200
    ended = engine.get(path, params={"verbose": "true"}).json()
    assert ended["events"][-1]["properties"]["reason"] == "end_conversation_endpoint_hit"
    test = engine.post("/v2/conversations", json={"replica_id": "r1", "test_mode": True}).json()
    assert test["status"] == "ended"
    assert engine.delete(path, params={"hard": "true"}).status_code == 204
    assert engine.delete(path).status_code == 404


def test_the_pull_client_reads_it(engine: TestClient, ugly) -> None:
    with PullClient("http://testserver", simulator.API_KEY, transport=engine._transport) as client:
        rows = list(client.conversations())
        assert len(rows) == ugly.truth.counts["sessions_cvi"]
        verbose = client.conversation(rows[0]["conversation_id"])
        assert verbose is not None
        assert "events" in verbose
        assert client.conversation("unknown") is None


def test_recordings_play_and_match_the_talk(ugly) -> None:
    (path,) = (ugly.out / "recordings").glob("*.mp4")
    data = path.read_bytes()
    assert len(data) < 1_000_000
    assert data.index(b"moov") < data.index(b"mdat"), "the index must stand in front, or seeking needs the whole file"
    (ready,) = [
        b for b in ugly.bodies("application.recording_ready") if path.stem in b["properties"].get("storage_uri", "")
    ]
    assert ready["properties"]["storage_uri"] == path.resolve().as_uri()
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert container.duration is not None
        assert abs(container.duration / 1e6 - ready["properties"]["duration"]) < 0.5
        rate = sound.rate
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(sound)])
    (transcript,) = [
        b["properties"]["transcript"]
        for b in ugly.bodies("application.transcription_ready")
        if b["conversation_id"] == path.stem
    ]
    timed = [entry for entry in transcript if entry.get("duration")]
    for entry in timed[:6]:
        start = int((entry["seconds_from_start"] + 2.2) * rate)
        assert np.abs(samples[start : start + int(entry["duration"] * rate)]).max() > 0.02
    assert np.abs(samples[: int(1.8 * rate)]).max() < 0.01


def test_history_is_fast_material_of_the_right_shape(catalog: Catalog, tmp_path: Path) -> None:
    start, end = date(2026, 8, 1), date(2026, 10, 29)
    size = history.write(catalog, tmp_path / "a.jsonl", 400, start=start, end=end, learner_count=60)
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines()
    assert size == (tmp_path / "a.jsonl").stat().st_size
    bundles = [SessionBundle.model_validate_json(line) for line in lines]
    assert len({bundle.engine_session_id for bundle in bundles}) == len(lines) == 400
    assert 25 < np.mean([len(bundle.turns) for bundle in bundles]) < 45
    days = {orjson.loads(line)["started_at"][:10] for line in lines}
    assert min(days) >= start.isoformat()
    assert max(days) <= end.isoformat()
    assert len(days) > 60
    history.write(catalog, tmp_path / "b.jsonl", 400, start=start, end=end, learner_count=60)
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()
