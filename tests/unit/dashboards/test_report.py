"""The monthly report: its month, its words, the same bytes twice, and who may take it away."""

import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from support.dashboard_home import Home

from dashboards import reports
from dashboards.names import Names
from dashboards.reader import Edition
from dashboards.report import document, month
from dashboards.report.month import mondays, report_of
from governance.settings import Settings

OCTOBER = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("day", "weeks"),
    [
        (date(2026, 10, 17), (date(2026, 10, 5), date(2026, 10, 26))),
        (date(2026, 6, 1), (date(2026, 6, 1), date(2026, 6, 29))),
        (date(2026, 2, 1), (date(2026, 2, 2), date(2026, 2, 23))),
    ],
)
def test_a_month_is_the_weeks_that_begin_in_it(day: date, weeks: tuple[date, date]) -> None:
    assert mondays(day) == weeks


def test_every_week_belongs_to_one_month(edition: Edition) -> None:
    known = month.months(edition)
    assert known == sorted(known, reverse=True)
    ends = [mondays(each) for each in known[::-1]]
    assert all((after[0] - before[1]).days == 7 for before, after in pairwise(ends))


def test_the_report_says_what_the_page_says(edition: Edition) -> None:
    found = report_of(edition, Names(), OCTOBER, 10)
    assert "95 % interval" in found.sentence
    assert "**" not in found.sentence
    assert [item.name for item in found.figures] == ["volume", "pass-rate", "proficiency"]
    assert len(found.competencies) >= 6
    assert any("kappa" in line for _, lines in found.sections for line in lines)


def test_a_month_without_enough_people_says_so(edition: Edition) -> None:
    found = report_of(edition, Names(), date(2020, 1, 1), 10)
    assert "January 2020" in found.sentence
    assert found.figures == []


def test_the_same_figures_give_the_same_bytes(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(shutil.which(name) for name in document.BROWSERS):
        pytest.skip("Debian's chromium is not installed; `make test` installs it")
    monkeypatch.setenv("ROLECALL_HOME", str(home.path))
    first = document.write_report(Settings(), "acme", OCTOBER).read_bytes()
    second = document.write_report(Settings(), "acme", OCTOBER).read_bytes()
    assert first.startswith(b"%PDF-")
    assert first == second


def test_without_a_browser_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(document.ReportError, match="apt-get install chromium"):
        document.browser()


def test_nothing_published_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(document.ReportError, match="rolecall run"):
        document.write_report(Settings(home=tmp_path), "acme", OCTOBER)


def test_a_report_is_handed_to_readers_of_this_machine_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_HOME", str(home.path))
    path = document.report_path(Settings(), "acme", date(2026, 9, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"%PDF-1.7")
    app = Starlette(routes=reports.ROUTES)
    here = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    assert here.get("/reports/acme/2026-09.pdf").content == b"%PDF-1.7"
    assert here.get("/reports/acme/2026-08.pdf").status_code == 404
    assert here.get("/reports/globex/2026-09.pdf").status_code == 404
    assert here.get("/reports/acme/..%2F2026-09.pdf").status_code == 404
    away = TestClient(app, base_url="http://127.0.0.1", client=("10.0.0.9", 1))
    assert away.get("/reports/acme/2026-09.pdf").status_code == 403
