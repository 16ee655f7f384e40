#!/usr/bin/env python3
"""Looks at the reports of runs in a headless Chromium, offline.

    report.py --chromium FILE --screenshots FOLDER RUN...

Each RUN is a run's directory with `report.html` and `summary.json`. What must hold is a function `check_…` below. Exits with 1 if
something does not; screenshots in light, dark, on a phone and on paper are for people to look at.
"""

import argparse
import json
import os
import re
import sys

from playwright.sync_api import sync_playwright

WIDTHS = [390, 768, 1280, 1920]
MOST_BYTES = 2_000_000

# Paths of figures that are seen, all or those of one objective. `checkVisibility` takes no notice of groups in SVG.
VISIBLE = """o => {
    const hidden = new Map();
    const isHidden = e => {
        if (!e) return false;
        if (!hidden.has(e)) hidden.set(e, getComputedStyle(e).display === 'none' || isHidden(e.parentElement));
        return hidden.get(e);
    };
    const paths = document.querySelectorAll(o === null ? '.chart path' : `.chart [data-o="${o}"] path`);
    return [...paths].filter(path => !isHidden(path)).length;
}"""

# What overflows the window, but for what has a scroll bar of its own.
WIDER = """() => [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.scroll, #legend, svg, pre, .sr, .verdict thead, .n') && e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""


class Report:
    """A report in a browser window, and the record that it was made from."""

    def __init__(self, browser, run, **settings):
        self.path = os.path.join(run, "report.html")
        self.name = os.path.basename(run)
        with open(os.path.join(run, "summary.json"), encoding="utf-8") as file:
            self.summary = json.load(file)
        self.policies = distinct(arm["policy"] for arm in self.summary["arms"])
        self.objectives = distinct(arm["objective"] for arm in self.summary["arms"])
        self.ks = list(self.summary["references"]["base"]["coverage_at"])
        settings = {"viewport": {"width": 1280, "height": 800}, **settings}
        self.context = browser.new_context(offline=True, **settings)
        self.page = self.context.new_page()
        self.said, self.requests = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto("file://" + os.path.realpath(self.path))
        if settings.get("java_script_enabled", True):
            self.page.wait_for_selector("html[data-ready]")

    def count(self, selector):
        return self.page.locator(selector).count()

    def visible(self, objective=None):
        return self.page.evaluate(VISIBLE, objective)

    def final(self, policy, objective, family, key):
        """The mean over seeds of a final figure."""
        arms = [arm for arm in self.summary["arms"] if (arm["policy"], arm["objective"]) == (policy, objective)]
        figures = [arm["final"][family] if key is None else arm["final"][family][key] for arm in arms if arm["status"] == "complete"]
        return sum(figures) / len(figures)


def distinct(names):
    return list(dict.fromkeys(names))


def number(text):
    """The number that a cell begins with, and half of its last digit."""
    found = re.match(r"[+−-]?[0-9.]+(?:e[−-]?[0-9]+)?", text)
    assert found, f"no number: {text!r}"
    digits = found.group().replace("−", "-")
    mantissa, _, exponent = digits.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(digits), 0.5 * 10 ** (int(exponent or 0) - decimals) * (1 + 1e-9)


def agrees(text, value):
    shown, half = number(text)
    return abs(shown - value) <= half


def check_is_alone_and_silent(report):
    assert report.requests == ["file://" + os.path.realpath(report.path)], report.requests
    assert report.said == [], report.said
    size = os.path.getsize(report.path)
    assert size < MOST_BYTES, f"{size} bytes"


def check_charts_are_drawn(report):
    charts = report.count(".chart")
    assert charts >= 2 * len(report.policies), charts
    assert charts == report.count('.chart[data-drawn="1"][role="img"][aria-label]:not([aria-label=""]):has(svg)')
    paths = report.count('.chart[data-kind="k"] path')
    least = len(report.policies) * 3 * len(report.objectives) * (len(report.ks) + 1)
    assert paths >= least, f"{paths} paths, expected {least}"
    assert report.count("section:has(figure)") == report.count("section:has(figure):has(details table)")
    broken = report.page.evaluate(
        """() => [...document.querySelectorAll('svg *')].flatMap(e => [...e.attributes])
            .filter(a => /NaN|undefined|null|Infinity/.test(a.value) && a.name !== 'aria-label').map(a => a.name + '=' + a.value)"""
    )
    assert broken == [], broken[:3]
    text = report.page.evaluate("() => document.body.innerText")
    assert not re.search(r"\b(NaN|undefined|null)\b", text)


def check_verdicts_are_those_of_the_record(report):
    rows = report.page.locator(".vr[data-o]")
    assert rows.count() == len(report.policies) * len(report.objectives)
    if rows.count() <= 16:
        lowest = max(row.bounding_box()["y"] + row.bounding_box()["height"] for row in rows.all())
        assert lowest <= 800, f"the last row ends at {lowest}"
    words = {(verdict["policy"], row["objective"]): row for verdict in report.summary["verdicts"] for row in verdict["rows"]}
    for policy in report.policies:
        body = report.page.locator("tbody", has=report.page.locator(".vc b", has_text=re.compile(f"^{re.escape(policy)}$")))
        for i, objective in enumerate(report.objectives):
            row, expected = body.locator(f'.vr[data-o="{i}"]'), words[policy, objective]
            assert row.locator(".word").inner_text() == expected["word"], (policy, objective)
            coverage, validity = row.locator(".s").inner_text().split(";")
            assert agrees(coverage, expected["coverage"]["mean"]), (policy, objective, coverage)
            assert agrees(validity.strip(), 100 * expected["validity_rate"]["mean"]), (policy, objective, validity)


def check_tables_agree_with_the_record(report):
    report.page.evaluate("() => document.querySelectorAll('details').forEach(e => { e.open = true })")
    seen = 0
    for table in report.page.locator(".samples table.numbers").all():
        policy = table.locator("caption span").inner_text()
        title = table.locator("caption").inner_text().removesuffix(policy).strip()
        family = {"coverage@k": "coverage_at", "pass@k": "pass_at"}.get(title)
        if family is None:
            continue
        rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
        rows = {row[0].strip(): row[1:] for row in rows}
        for objective in report.objectives:
            for k, cell in zip(report.ks, rows[objective]):
                value = report.final(policy, objective, family, k) * (100 if family == "pass_at" else 1)
                assert agrees(cell, value), f"{policy} · {objective}, {title} at {k}: {cell}, expected {value}"
                seen += 1
    assert seen == 2 * len(report.policies) * len(report.objectives) * len(report.ks), seen


def check_the_legend_hides_and_shows(report):
    button = report.page.locator('#legend [data-o="0"]')
    before = report.visible(), report.visible(0)
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert report.visible(0) == 0, "hidden in every figure"
    assert report.visible() == before[0] - before[1]
    button.focus()
    report.page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "true"
    assert (report.visible(), report.visible(0)) == before
    report.page.keyboard.press("ArrowRight")
    assert report.page.evaluate("() => document.activeElement.dataset.o") == "1"
    report.page.evaluate("() => document.activeElement.blur()")


def check_switches(report):
    optima = report.page.locator("#t-opt")
    if optima.count():
        before = report.visible()
        optima.click()
        assert report.visible() < before
        optima.click()
        assert report.visible() == before
    seeds = report.page.locator("#t-seeds")
    if seeds.count():
        before = report.visible()
        seeds.click()
        assert report.visible() > before
        seeds.click()
    report.page.locator("#t-all").click()
    assert report.visible(0) == 0
    report.page.locator("#t-all").click()
    assert report.visible(0) > 0


def check_marks_say_what_they_are(report):
    mark = report.page.locator('.chart[data-kind="plane"] path.m').first
    mark.scroll_into_view_if_needed()
    # The event of a scroll comes with the next frame, and the page hides what it says at it.
    report.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    mark.hover(force=True)
    said = report.page.locator("#tip").inner_text()
    assert re.search(r"\d", said) and any(said.startswith(objective) for objective in report.objectives), said
    report.page.mouse.move(2, 2)
    assert report.page.locator("#tip").inner_text() == ""


def check_nothing_overflows(report):
    for width in WIDTHS:
        report.page.set_viewport_size({"width": width, "height": 800})
        scroll = report.page.evaluate("() => document.documentElement.scrollWidth")
        assert scroll <= width, f"{scroll} at {width}"
        wider = report.page.evaluate(WIDER)
        assert wider == [], f"at {width}: {wider[:3]}"
    report.page.set_viewport_size({"width": 1280, "height": 800})


def check_dark_paper_changes_colours(report):
    colours = """() => ['background-color', 'color'].map(p => getComputedStyle(document.body)[p])
        .concat(getComputedStyle(document.querySelector('.chart .line')).stroke)"""
    report.page.emulate_media(color_scheme="light")
    light = report.page.evaluate(colours)
    report.page.emulate_media(color_scheme="dark")
    dark = report.page.evaluate(colours)
    assert all(a != b for a, b in zip(light, dark)), (light, dark)
    report.page.emulate_media(color_scheme="light")


def check_experiments_are_copied(report):
    report.context.grant_permissions(["clipboard-read", "clipboard-write"])
    report.page.locator(".copy").first.click()
    copied = report.page.evaluate("() => navigator.clipboard.readText()")
    assert f'name: "{report.summary["name"]}"' in copied, copied[:80]


def check_paper(report, screenshots):
    path = os.path.join(screenshots, f"{report.name}-print.pdf")
    report.page.pdf(path=path, prefer_css_page_size=True)
    with open(path, "rb") as file:
        sizes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", file.read())
    assert sizes, "no pages"
    for width, height in sizes:
        assert abs(float(width) - 841.9) < 1 and abs(float(height) - 595.3) < 1, "A4 landscape"
    most = 10 + 4 * len(report.policies) + len(report.objectives)
    assert len(sizes) <= most, f"{len(sizes)} pages, expected at most {most}"


def check_without_script(browser, run):
    report = Report(browser, run, java_script_enabled=False)
    assert report.count(".vr[data-o]") == len(report.policies) * len(report.objectives)
    assert report.count(".chart svg") >= 2
    assert report.page.locator(".word").first.is_visible()
    assert report.page.locator(".copy").first.is_hidden()


def screenshots(browser, run, folder):
    looks = {
        "light": {},
        "dark": {"color_scheme": "dark"},
        "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    }
    for look, settings in looks.items():
        report = Report(browser, run, **settings)
        report.page.screenshot(path=os.path.join(folder, f"{report.name}-{look}-first.png"))
        report.page.screenshot(path=os.path.join(folder, f"{report.name}-{look}.png"), full_page=True)
        scroll = report.page.evaluate("() => document.documentElement.scrollWidth")
        assert scroll <= settings.get("viewport", {"width": 1280})["width"], f"{look}: {scroll}"
        report.context.close()


# Names that would be markup are cut and escaped: what is shown of them is not what the record holds.
WITH_PLAIN_NAMES = {
    check_verdicts_are_those_of_the_record,
    check_marks_say_what_they_are,
    check_tables_agree_with_the_record,
    check_experiments_are_copied,
}

CHECKS = [
    check_charts_are_drawn,
    check_verdicts_are_those_of_the_record,
    check_the_legend_hides_and_shows,
    check_switches,
    check_marks_say_what_they_are,
    check_nothing_overflows,
    check_dark_paper_changes_colours,
    check_experiments_are_copied,
    check_tables_agree_with_the_record,
    # Last, so that all the others had time to say or ask for something.
    check_is_alone_and_silent,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--screenshots", required=True)
    parser.add_argument("runs", nargs="+")
    settings = parser.parse_args()
    failures = 0

    def tried(name, run, check):
        nonlocal failures
        try:
            check()
            print(f"ok      {os.path.basename(run)}: {name}", flush=True)
        except Exception as error:  # an assertion, or what the driver says: the others are tried all the same
            failures += 1
            print(f"FAILED  {os.path.basename(run)}: {name}: {type(error).__name__}: {error}", flush=True)

    with sync_playwright() as driver:
        # In containers Chromium's own sandbox does not start; the pages are ours.
        browser = driver.chromium.launch(executable_path=settings.chromium, args=["--no-sandbox"])
        for run in settings.runs:
            report = Report(browser, run)
            for check in CHECKS:
                if report.name == "hostile" and check in WITH_PLAIN_NAMES:
                    continue
                tried(check.__name__, run, lambda: check(report))
            report.context.close()
            paper = Report(browser, run)
            tried("check_paper", run, lambda: check_paper(paper, settings.screenshots))
            paper.context.close()
            tried("check_without_script", run, lambda: check_without_script(browser, run))
            tried("screenshots", run, lambda: screenshots(browser, run, settings.screenshots))
        browser.close()
    print(f"screenshots: {settings.screenshots}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
