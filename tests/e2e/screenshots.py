"""Screenshots of the pages over a demo's home, into docs/images: ``make images`` after ``make demo SERVE=0``."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import duckdb
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import lms
from support.pages import PAGES, settle, visit
from support.served import CHROMIUM, FLAGS, PROJECT, served

from governance.settings import Settings
from pipelines.packages import add_codes

IMAGES = PROJECT / "docs" / "images"
WIDTHS = (1280, 400)
TALLEST = 2600
COLOURS = 64  # enough for a page, and a third of the bytes
PICTURE_S = 20  # where the video stands in the picture
# A recorded session that has something to show: guardrails, cited turns, and most signals of all.
TELLING = """
    select media.session_id from media
    inner join sessions using (tenant, session_id)
    inner join criterion_scores using (tenant, session_id)
    left join signals using (tenant, session_id)
    where media.status = 'available' and media.uri like 'file:%' and not sessions.is_test
    group by media.session_id
    order by count(distinct signals.name) filter (where signals.kind = 'guardrail') desc,
             count(distinct signals.ordinal) desc, media.session_id
    limit 1
"""


def telling_session(marts: Path) -> str | None:
    """A session worth showing, of the first tenant that has one."""
    for current in sorted(marts.glob("*/current")):
        with duckdb.connect(str(current.resolve()), read_only=True) as connection:
            rows = connection.sql(TELLING).fetchall()
        if rows:
            return str(rows[0][0])
    return None


def shoot(page: Page, name: str, width: int) -> None:
    """The whole page, up to ``TALLEST`` pixels: longer ones are cut at the bottom."""
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(int(height), TALLEST)})
    settle(page)
    page.wait_for_timeout(800)
    path = IMAGES / f"{name}.png" if width == WIDTHS[0] else IMAGES / f"{name}-{width}.png"
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


def main() -> None:
    """Take every page at every width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Settings().home)
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    chosen = parser.parse_args()
    session = telling_session(chosen.home / "marts")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with served(chosen.home) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width in WIDTHS:
            for path in PAGES:
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=chosen.scheme)
                replayed = path == "session-replay" and session
                visit(page, address, f"{path}?session={session}" if replayed else path)
                if replayed and page.locator("video").count():
                    page.locator("video").evaluate(f"node => {{ node.currentTime = {PICTURE_S} }}")
                shoot(page, path or "overview", width)
                page.close()
        packages(browser, chosen.scheme)
        browser.close()


def packages(browser: Browser, scheme: Literal["light", "dark"]) -> None:
    """What learners see in an LMS: a result, and a role-play held there."""
    with TemporaryDirectory() as folder, lms.installation(Path(folder)) as place, lms.simulated_engine(place):
        page = browser.new_page(viewport={"width": WIDTHS[0], "height": 1000}, color_scheme=scheme, locale="en-GB")
        inside = page.frame_locator("iframe")
        ((_, code),) = add_codes(place.settings, "claiming", ["ada"], 1)
        place.play(page, place.build("suitability-fund", "2004", "claiming"), "2004")
        inside.get_by_label("Personal code").fill(code)
        inside.get_by_label("Personal code").press("Enter")
        inside.locator(".score").wait_for()
        page.screenshot(path=IMAGES / "scorm-result.png")
        page.set_viewport_size({"width": WIDTHS[0], "height": 720})
        place.play(page, place.build("suitability-fund", "2004", "live"), "2004")
        inside.get_by_role("button", name="Start").click()
        film = inside.frame_locator("iframe").locator("video")
        film.evaluate("node => new Promise(done => node.ontimeupdate = () => node.currentTime > 4 && done())")
        page.screenshot(path=IMAGES / "scorm-live.png")


if __name__ == "__main__":
    main()
