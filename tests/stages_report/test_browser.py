"""The page in a browser, as a reader uses it: from a file, with no server and no network."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

SETTLED = 30.0  # seconds in which whatever a page does must be done, on a machine that is busy with other tests


@pytest.fixture
def page(browser, folder) -> Any:
    """The report; at the end nothing may have gone wrong on it, and nothing of the stranger's may have run."""
    browser.get_log("browser")
    browser.get((folder / "report.html").as_uri())
    yield browser
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert browser.execute_script("return window.caught") is None


def until(condition: Callable[[], Any]) -> Any:
    """What a condition comes to when it first holds."""
    end = time.monotonic() + SETTLED
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    assert found
    return found


def shown(page: Any) -> list[str]:
    """The rows that are seen, from the top."""
    return page.execute_script("return [...document.querySelectorAll('#places > li:not([hidden])')].map((row) => row.dataset.name)")


def keys(page: Any, *pressed: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*pressed).perform()


def test_a_reader_searches_filters_and_orders(page):
    """By words of a check typed after `/`, by a verdict clicked, by name; the address keeps the question, and Clear forgets it."""
    assert shown(page) == ["Oscillator", "Fourfold", "the store"]
    keys(page, "/", "reintegration")
    assert shown(page) == ["Fourfold"]
    assert page.find_element("id", "found").text == "1 of 3 rows"
    page.find_element("css selector", "button[type=reset]").click()
    until(lambda: len(shown(page)) == 3)
    page.find_element("css selector", "input[name=verdict][value=pass]").click()
    assert shown(page) == ["the store"]
    assert page.execute_script("return location.hash") == "#verdict=pass"
    page.find_element("css selector", "input[name=verdict][value=error]").click()
    page.find_element("css selector", "#sort option[value=name]").click()
    assert shown(page) == ["Oscillator", "the store"]
    page.refresh()
    assert shown(page) == ["Oscillator", "the store"]
    keys(page, "/", "nothing has this name")
    assert page.find_element("id", "found").text == "Nothing fits all of this."


def test_a_failed_check_is_a_click_away(page):
    """From the first table to its section, which is then seen and has the focus; from there to the next, and back."""
    page.find_element("css selector", "#failures a").click()
    seen = """
      const at = document.activeElement.getBoundingClientRect();
      return at.top > -2 && at.top < innerHeight ? document.activeElement.id : "";"""
    first = until(lambda: page.execute_script(seen))
    assert first.startswith("check-numbers-mine")
    section = page.find_element("id", first)
    for words in ("promise", "found", "what to do", "whose check"):
        assert words in section.text
    section.find_element("link text", "the next failed check").click()
    assert until(lambda: page.execute_script(seen) not in ("", first) and page.execute_script(seen)).startswith("check-splits-same")
    page.switch_to.active_element.find_element("link text", "back to the verdicts").click()
    until(lambda: page.execute_script(seen) == "content")


def test_a_reader_without_a_mouse_goes_from_row_to_row(page):
    """Down from the search field to the first row and the next; Enter opens all its checks."""
    from selenium.webdriver import Keys

    keys(page, "/", Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.switch_to.active_element.text == "Fourfold"
    keys(page, Keys.ENTER)
    assert page.execute_script("return document.activeElement.parentElement.querySelector('details').open") is True
    keys(page, Keys.ARROW_UP)
    assert page.switch_to.active_element.text == "Oscillator"


def test_pictures_are_drawn(page):
    """Each system has four, none of them empty: the attractor's pixels are decoded, each drawing has a line or bars of some length."""
    script = """
      const longest = (svg) => Math.max(...[...svg.querySelectorAll("path")].map((path) => path.getTotalLength()));
      for (const image of document.images) image.loading = "eager";
      return Promise.all([...document.images].map((image) => image.decode())).then(() => [
        [...document.images].map((image) => image.naturalWidth),
        [...document.querySelectorAll(".drawn svg")].map(longest),
      ]);"""
    widths, lengths = page.execute_script(script)
    assert widths == [240, 240]
    assert len(lengths) == 6
    assert min(lengths) > 100


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_nothing_stands_out_or_lies_upon_another(page, width):
    """On a screen, a tablet and a telephone, every table open: the page is no wider than the window, no two texts share a place."""
    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    script = """
      for (const part of document.querySelectorAll("details")) part.open = true;
      for (const row of document.querySelectorAll("#places > li")) row.style.contentVisibility = "visible";
      const rects = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (!node.data.trim() || !parent.checkVisibility() || parent.closest("script, .skip, select")) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const rect of range.getClientRects()) rects.push([rect, node.data.trim().slice(0, 30)]);
      }
      const met = [];
      rects.sort(([a], [b]) => a.top - b.top);
      rects.forEach(([a, one], place) => {
        for (let next = place + 1; next < rects.length && rects[next][0].top < a.bottom - 4; next += 1) {
          const [b, other] = rects[next];
          if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2) met.push(`${one} / ${other}`);
        }
      });
      const out = rects.filter(([rect]) => rect.right > innerWidth + 1 || rect.left < 0).map(([, text]) => text);
      return [document.documentElement.scrollWidth, rects.length, met, out];"""
    across, count, met, out = page.execute_script(script)
    assert across <= width
    assert count > 100
    assert met == []
    assert out == []


def test_a_page_is_read_by_everyone(page, contrast, nameless):
    """A contrast of 4.5 at least of every text, in light and in dark; the button turns one into the other; whatever is operated has a
    name."""
    for scheme in ("light", "dark"):
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        ground, poor = contrast(page)
        assert poor == []
        assert (ground < 0.1) == (scheme == "dark")
    page.find_element("css selector", ".theme").click()
    assert contrast(page)[0] > 0.5
    page.execute_script("localStorage.clear()")
    assert nameless(page) == []
