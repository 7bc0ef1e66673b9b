"""The installation's secret, pseudonyms and tickets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from governance.identities import learner_key
from governance.secrets import SecretError, derive, secret_key
from governance.settings import Settings
from governance.tickets import WINDOW_S, TicketRefused, check, ticket

NOW = datetime(2026, 11, 2, 9, 7, tzinfo=UTC)
KEY = b"k" * 32


def settings(home: Path, secret: str | None = None) -> Settings:
    return Settings(_env_file=None, home=home, secret_key=secret)  # type: ignore[call-arg]


def test_the_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: secret_key(settings(tmp_path / "home")), range(8)))
    assert len(made) == 1
    assert len(made.pop()) == 32
    (file,) = (tmp_path / "home").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_secret_from_outside_wins(tmp_path: Path) -> None:
    assert secret_key(settings(tmp_path, "a secret from a vault")) == b"a secret from a vault"
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_secret_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="at least 16"):
        secret_key(settings(tmp_path, "short"))
    (tmp_path / "secret.key").write_text("not hexadecimal", encoding="ascii")
    with pytest.raises(SecretError, match="restore it from your backup"):
        secret_key(settings(tmp_path))


def test_a_learner_key_is_stable_and_separates_tenants() -> None:
    key = learner_key(KEY, "acme", "e1042")
    assert key == "l_58799d62aaaaae833d65ca039c90ddd3"  # never changes: every stored row refers to it
    others = {
        learner_key(KEY, "globex", "e1042"),
        learner_key(KEY, "acme", "e104"),
        learner_key(b"x" * 32, "acme", "e1042"),
    }
    assert key not in others
    assert len(others) == 3
    assert learner_key(KEY, 'a","b', "c") != learner_key(KEY, "a", 'b","c')
    with pytest.raises(ValueError, match="names nobody"):
        learner_key(KEY, "acme", "")


def test_keys_of_different_purposes_differ() -> None:
    assert derive(KEY, "tickets") != derive(KEY, "callbacks")
    assert derive(KEY, "tickets") == derive(KEY, "tickets")


def test_a_ticket_opens_its_object_for_its_reader() -> None:
    link = dict(parse_qsl(ticket(KEY, "ada & co", "recording-1", NOW)))
    assert check(KEY, "recording-1", link, NOW) == "ada & co"


def test_a_ticket_keeps_its_text_within_a_window_and_ends() -> None:
    start = datetime.fromtimestamp(NOW.timestamp() // WINDOW_S * WINDOW_S, UTC)
    link = ticket(KEY, "ada", "r", start)
    assert ticket(KEY, "ada", "r", start + timedelta(seconds=WINDOW_S - 1)) == link
    parameters = dict(parse_qsl(link))
    assert check(KEY, "r", parameters, start + timedelta(seconds=2 * WINDOW_S - 1)) == "ada"
    with pytest.raises(TicketRefused, match="has ended") as refused:
        check(KEY, "r", parameters, start + timedelta(seconds=2 * WINDOW_S))
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"user": "eve"}, 403),
        ({"expires": "99999999999"}, 403),
        ({"mark": "0" * 64}, 403),
        ({"mark": "ü"}, 403),
        ({"mark": ""}, 400),
        ({"user": ""}, 400),
        ({"expires": "soon"}, 400),
        ({"expires": "-1"}, 400),
        ({"expires": "9" * 40}, 400),
        ({"expires": "١٢٣"}, 400),
    ],
)
def test_a_changed_ticket_opens_nothing(change: dict[str, str], status: int) -> None:
    link = dict(parse_qsl(ticket(KEY, "ada", "recording-1", NOW))) | change
    with pytest.raises(TicketRefused) as refused:
        check(KEY, "recording-1", link, NOW)
    assert refused.value.status == status


def test_a_ticket_opens_no_other_object_and_no_other_installation() -> None:
    link = dict(parse_qsl(ticket(KEY, "ada", "recording-1", NOW)))
    with pytest.raises(TicketRefused):
        check(KEY, "recording-2", link, NOW)
    with pytest.raises(TicketRefused):
        check(b"x" * 32, "recording-1", link, NOW)
