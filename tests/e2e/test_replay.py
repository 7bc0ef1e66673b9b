"""The replay in a real Chromium: lines seek, as often as they are chosen, and media asks for its ticket."""

from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect
from support.dashboard_home import OFFSET_S, Home
from support.pages import settle, visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def video(page: Page):
    return page.locator("video")


def position(page: Page) -> float:
    return float(video(page).evaluate("node => node.currentTime"))


def wait_for_position(page: Page, wanted: float) -> None:
    for _ in range(50):
        if abs(position(page) - wanted) < 0.6:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the video stands at {position(page)}, not at {wanted}")


def open_recorded(page: Page, server: str, home: Home) -> None:
    visit(page, server, f"session-replay?session={home.recorded}")
    video(page).wait_for()
    for _ in range(100):
        if video(page).evaluate("node => node.readyState") >= 1:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the video's metadata never arrived")


def test_a_line_seeks_each_time_it_is_chosen(page: Page, server: str, home: Home) -> None:
    open_recorded(page, server, home)
    line = page.get_by_role("button", name="What does that cost you")
    line.click()
    wait_for_position(page, 30 + OFFSET_S)
    video(page).evaluate("node => { node.currentTime = 70 }")
    wait_for_position(page, 70)
    line.click()
    wait_for_position(page, 30 + OFFSET_S)
    expect(line).to_have_attribute("aria-current", "true")


def test_the_transcript_follows_the_video_and_the_keyboard(page: Page, server: str, home: Home) -> None:
    open_recorded(page, server, home)
    video(page).evaluate("node => { node.currentTime = 62 }")
    wait_for_position(page, 62)
    page.wait_for_timeout(400)
    current = page.get_by_role("button", name="But the last tool we bought")
    expect(current).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="You have ten minutes").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for_position(page, 20 + OFFSET_S)


def test_an_evidence_button_seeks_twice_and_keeps_the_link(page: Page, server: str, home: Home) -> None:
    open_recorded(page, server, home)
    source = video(page).get_attribute("src")
    button = page.get_by_role("button", name="Go to 0:40").first
    button.click()
    wait_for_position(page, 40 + OFFSET_S)
    video(page).evaluate("node => { node.currentTime = 5 }")
    wait_for_position(page, 5)
    button.click()
    settle(page)
    wait_for_position(page, 40 + OFFSET_S)
    assert video(page).get_attribute("src") == source


def test_captions_are_offered(page: Page, server: str, home: Home) -> None:
    open_recorded(page, server, home)
    loaded = video(page).evaluate(
        """async node => {
            node.textTracks[0].mode = "showing";
            for (let i = 0; i < 50 && !(node.textTracks[0].cues || []).length; i++) {
                await new Promise(resolve => setTimeout(resolve, 100));
            }
            return node.textTracks[0].cues[0].text;
        }"""
    )
    assert loaded == "You have ten minutes."


def test_without_a_recording_the_transcript_stands_alone(page: Page, server: str, home: Home) -> None:
    visit(page, server, f"session-replay?session={home.silent}")
    line = page.get_by_role("button", name="What does that cost you")
    line.click()
    expect(line).to_have_attribute("aria-current", "true")
    assert page.locator("video").count() == 0


def answer(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urlopen(Request(address, headers=headers)) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
    except HTTPError as refused:
        return refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read()


def without(address: str, **changed: str | None) -> str:
    """The address with query parameters replaced or, for ``None``, left out."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query)) | changed
    return urlunsplit(parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})))


def test_media_needs_its_ticket_and_serves_ranges(page: Page, server: str, home: Home) -> None:
    open_recorded(page, server, home)
    address = server + str(video(page).get_attribute("src"))
    whole, headers, body = answer(address)
    assert (whole, headers["content-type"]) == (200, "video/mp4")
    assert headers["referrer-policy"] == "no-referrer"
    status, headers, part = answer(address, Range="bytes=100-199")
    assert (status, len(part)) == (206, 100)
    assert part == body[100:200]
    assert headers["content-range"].startswith("bytes 100-199/")
    assert answer(without(address, mark="0" * 64))[0] == 403
    assert answer(without(address, mark=None))[0] in (400, 403)
    assert answer(without(address, user="somebody"))[0] == 403
    assert answer(without(address, expires="soon"))[0] == 400
    assert answer(without(address, session=home.silent))[0] == 403
    assert answer(without(address, tenant="globex"))[0] == 403
    assert answer(address, Host="evil.example")[0] == 403
    assert answer(address, **{"X-Forwarded-For": "10.0.0.9"})[0] == 403
