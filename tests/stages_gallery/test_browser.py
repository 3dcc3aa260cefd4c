"""The site in a browser, as a reader uses it: with the mouse, by the keyboard, without WebGL; from files, with no server and no network."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import attractory
from attractory.expressions.parser import FUNCTIONS

SETTLED = 30.0  # seconds in which whatever a page does must be done: a machine that is busy with other tests draws by its processor


@pytest.fixture
def opened(browser, site) -> Callable[[str], Any]:
    """Opens a page of the site; at the end nothing may have gone wrong on the pages opened."""

    def get(path: str) -> Any:
        browser.get((site / path.partition("#")[0]).as_uri() + "".join(path.partition("#")[1:]))
        return browser

    browser.get_log("browser")
    yield get
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
    """The names of the cards that are seen."""
    return page.execute_script("return [...document.querySelectorAll('#systems li:not([hidden]) b')].map(name => name.textContent)")


def drawing(page: Any) -> int:
    """A number that differs where pixels of the attractor do."""
    script = """
      const canvas = document.querySelector(".stage canvas"), gl = canvas.getContext("webgl2");
      const pixels = new Uint32Array(canvas.width * canvas.height);
      gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(pixels.buffer));
      return pixels.reduce((sum, pixel) => (Math.imul(sum, 31) + pixel) | 0, 0);"""
    return int(page.execute_script(script))


def keys(page: Any, *pressed: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*pressed).perform()


def test_a_reader_searches_and_filters(opened):
    """By words typed after `/`, by a choice clicked, by an exponent; the address keeps the question, and Clear forgets it."""
    page = opened("index.html")
    assert shown(page) == ["Henon", "Lorenz", "Stranger"]
    keys(page, "/", "convection")
    assert shown(page) == ["Lorenz"]
    assert page.find_element("id", "found").text == "1 of 3 systems"
    page.find_element("css selector", "button[type=reset]").click()
    until(lambda: len(shown(page)) == 3)
    page.find_element("css selector", "input[name=kind][value=map]").click()
    assert shown(page) == ["Henon", "Stranger"]
    page.find_element("id", "from").send_keys("0.4")
    assert shown(page) == ["Henon"]
    assert page.execute_script("return location.hash") == "#from=0.4&kind=map"
    assert shown(opened("index.html#tag=geophysics&sort=exponent")) == ["Lorenz"]


def test_a_reader_without_a_mouse_finds_a_page(opened):
    """From the search field down to the first card, on to its neighbour, and in."""
    from selenium.webdriver import Keys

    page = opened("index.html")
    keys(page, "/", Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    assert page.switch_to.active_element.find_element("tag name", "b").text == "Lorenz"
    outline = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    keys(page, Keys.ENTER)
    assert until(lambda: page.title) == "Lorenz · Attractory"


def test_the_attractor_turns(opened):
    """Under the mouse and by the arrow keys it changes, and Reset puts it back; by itself it moves for nobody who wants stillness."""
    from selenium.webdriver import ActionChains, Keys

    page = opened("systems/Lorenz.html")
    canvas = page.find_element("css selector", ".stage canvas")
    first = until(lambda: drawing(page))  # 0 while there is nothing
    time.sleep(0.1)
    assert drawing(page) == first
    ActionChains(page, duration=20).click_and_hold(canvas).move_by_offset(90, 30).release().perform()
    turned = until(lambda: drawing(page) != first and drawing(page))
    canvas.send_keys(Keys.ARROW_LEFT)
    until(lambda: drawing(page) not in (first, turned))
    page.find_element("xpath", "//button[text()='Reset']").click()
    until(lambda: drawing(page) == first)


def test_the_points_of_a_map_are_drawn(opened):
    """In the ink of maps, some thousand pixels of them."""
    page = opened("systems/Henon.html")
    script = """
      const canvas = document.querySelector(".stage canvas"), gl = canvas.getContext("webgl2");
      const pixels = new Uint8Array(4 * canvas.width * canvas.height);
      gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
      let found = 0;
      for (let at = 0; at < pixels.length; at += 4) found += pixels[at + 3] > 100 && pixels[at + 1] > pixels[at];
      return found;"""
    assert until(lambda: page.execute_script(script)) > 1000


def test_without_webgl_there_is_a_picture(opened, browser):
    """With its description, and without buttons that would do nothing."""
    script = "HTMLCanvasElement.prototype.getContext = () => null"
    made = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    try:
        page = opened("systems/Lorenz.html")
        image = page.find_element("css selector", ".stage img")
        until(lambda: image.get_property("naturalWidth") == 720)
        assert image.get_attribute("alt") == "Trajectory of Lorenz in x, y, z"
        assert not page.find_element("css selector", ".controls").is_displayed()
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", made)


OPERATORS = ("-x", "x - y", "x*y", "2*3*x", "x/y", "x**y", "-x**2", "1.5e-3*x", "pi*x")
INDICES = ("sum(w[i], i)", "sum(w[(i + 1)//2], i)", "sum(w[i % 2], i)")
CHOICES = ("x < y", "x <= y", "x > y", "x >= y", "x == y", "x != y", "x < 1 and y < 1", "x < 1 or y < 1", "not x < 1")


def every_operation() -> list[str]:
    """LaTeX of an equation for each function, operator and choice of the language."""
    counted = [(name, count) for name, (least, most) in FUNCTIONS.items() for count in range(least, min(most, 3) + 1)]
    functions = [f"{name}({', '.join(['x', 'y', 'x*y'][:count])})" for name, count in counted if name not in ("where", "sum")]
    common = {"kind": "flow", "parameters": {"w": [1.0, 2.0], "N": 2}, "indices": {"i": "N"}, "initial": {"x": 1.0, "y": 1.0}}
    texts = [*OPERATORS, *INDICES, *functions, *(f"where({choice}, x, y)" for choice in CHOICES)]
    made = [attractory.System(name="Mine", equations={"x": text, "y": "-y"}, **common) for text in texts]
    return [system.as_text("latex") for system in (*made, attractory.system("MackeyGlass"), attractory.system("ArnoldCat"))]


def test_formulas_are_typeset(opened):
    """On a page; and KaTeX reads strictly what is written for every function and operator that an entry may have."""
    page = opened("systems/Lorenz.html")
    until(lambda: page.execute_script("return document.querySelectorAll('.equations .katex-html').length === 1"))
    assert page.execute_script("return document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Math'))")
    texts = every_operation()
    assert len(texts) > 40
    script = """
      return arguments[0].flatMap((text) => {
        try {
          katex.renderToString(text, { displayMode: true, throwOnError: true, strict: "error" });
          return [];
        } catch (error) {
          return [`${text}: ${error}`];
        }
      });"""
    assert page.execute_script(script, texts) == []


def test_code_is_copied(opened, browser):
    """The button writes the text of its block to the clipboard, and says so; a tab shows another text."""
    page = opened("systems/Henon.html")
    origin = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", origin)
    button = page.find_element("css selector", ".tabs .code[data-place='0'] .copy")
    button.click()
    until(lambda: button.text == "Copied")
    assert 'attractory.system("Henon")' in page.execute_script("return navigator.clipboard.readText()")
    page.find_element("xpath", "//label[text()='SciPy']").click()
    assert page.find_element("css selector", ".tabs .code[data-place='2']").is_displayed()
    assert not button.is_displayed()


@pytest.mark.parametrize("path", ["index.html", "systems/Stranger.html"])
def test_nothing_stands_out_of_a_page(opened, browser, path):
    """On a screen and on a telephone the page is no wider than the window."""
    page = opened(path)
    for width in (1280, 390):
        metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", ["index.html", "systems/Lorenz.html"])
def test_a_page_is_read_by_everyone(opened, browser, contrast, nameless, path):
    """A contrast of 4.5 at least (WCAG 2.2, level AA) of every text, in light and in dark; the button turns one into the other; whatever
    is operated has a name for who does not see it."""
    page = opened(path)
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        ground, poor = contrast(page)
        assert poor == []
        assert (ground < 0.1) == (scheme == "dark")
    page.find_element("css selector", ".theme").click()
    assert contrast(page)[0] > 0.5
    page.execute_script("localStorage.clear()")
    assert nameless(page) == []
    assert page.execute_script("return document.documentElement.lang") == "en"
