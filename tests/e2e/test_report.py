"""dcmspool report: the page says what the spool says, needs nothing from
elsewhere, and looks right in a real browser."""

import datetime
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import xml.etree.ElementTree

import pytest
from peers import instance
from peers.destination import Answer, Destination

import gateway as gateways
import pki
import tools
from browser import Browser

LONG = "a-destination-with-a-name-as-long-as-names-may-be-in-this-place"
SECRET = "DOE^JANE 19700101"
VOID = {"meta", "br", "hr", "img", "link", "input"}


def stamp(when):
    return when.strftime("%Y%m%dT%H%M%S.%fZ")


def log_of_a_day(path, destination):
    """A sender's log as it writes it: a day in a clinic, and a night in which
    the destination was away from midnight to three."""
    now = datetime.datetime.now(datetime.timezone.utc)
    lines, number = [], 0
    for minute in range(24 * 60):
        at = now - datetime.timedelta(minutes=24 * 60 - minute)
        hour = minute / 60 % 24
        for i in range(int(1 + 5 * max(0, 1 - abs(hour - 9) / 7))):
            number += 1
            arrived = at + datetime.timedelta(seconds=i)
            left = arrived + datetime.timedelta(milliseconds=300)
            if 14 <= hour < 17:
                left = at + datetime.timedelta(hours=17 - hour + .02 * i)
            if left > now:
                continue
            event = "failed" if number % 97 == 0 else "delivered"
            status = "0xA900" if event == "failed" else "0x0000"
            lines.append((left, f"{left.isoformat()[:-6]}Z dcmspool-sender[7] "
                          f"info {event} destination={destination} item="
                          f"{stamp(arrived)}-m{number}-2.25.{10**30 + number}"
                          f".dcm status={status} attempts=1 reason=\"\""))
    lines.sort()
    path.write_text("\n".join(line for _, line in lines) + "\n", "ascii")
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """One destination that refuses some, one that is away, one paused; a
    certificate that ends soon; a day's log."""
    folder = tmp_path_factory.mktemp("scene")
    authority = pki.Authority(folder / "ca")
    soon = authority.issue("gateway", end=12)
    pacs = Destination().start()
    gateway = gateways.Gateway(folder, {
        "PACS": {"RemotePort": pacs.port, "MaxAttempts": 1},
        "ARCHIVE": {"RemotePort": tools.free_port(), "RetryMax": 300},
        LONG: {"RemotePort": tools.free_port(), "tls": {
            "Certificate": str(soon.cert), "PrivateKey": str(soon.key),
            "TrustedCertificates": str(authority.cert)}}})
    try:
        gateway.start()
        put(gateway, "PACS", *(instance.make() for _ in range(4)))
        gateway.wait_empty("PACS")
        pacs.default = Answer(0xA900, comment=f"{SECRET}: unknown patient")
        put(gateway, "PACS", *(instance.make() for _ in range(3)))
        gateway.wait_items("PACS", "failed", 3)
        put(gateway, "ARCHIVE",
            *(instance.make(pixels=512 << n) for n in range(7)))
        gateway.wait_down("ARCHIVE")
        gateway.command("pause", LONG)
        # As of a spool that has no counters, so that the log tells the day.
        gateway.sender.signal(signal.SIGSTOP)
        for path in gateway.spool.glob("queue/*/counters"):
            path.unlink()
        yield gateway, log_of_a_day(folder / "sender.log", "PACS")
    finally:
        gateway.sender.signal(signal.SIGCONT)
        gateway.stop()
        pacs.stop()


def put(gateway, destination, *instances):
    for one in instances:
        path = one.write(gateway.folder / f"{one.uid}.dcm")
        done = gateway.command("import", destination, path)
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def data(scene):
    gateway, log = scene
    return json.loads(gateway.command("report", "--json", log).stdout)


@pytest.fixture(scope="module")
def page(data):
    """Of the same moment: the day that is told goes on."""
    done = tools.run(tools.TREE / "contrib/report/dcmspool-report",
                     input=json.dumps(data))
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_command_makes_the_page(scene, page):
    gateway, log = scene
    done = gateway.command("report", log)
    assert done.returncode == 0, done.stdout
    heads = re.findall("<h[123]>.*?</h[123]>", done.stdout)
    assert len(heads) > 10 and heads == re.findall("<h[123]>.*?</h[123]>", page)


class Parser(html.parser.HTMLParser):
    """Every element is closed, in order, and nothing points elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.outside = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.outside += [(tag, name, value) for name, value in attrs
                         if name in ("src", "href", "srcset", "action",
                                     "background", "poster", "data")
                         or name.startswith("on")
                         or value and re.search(r"https?:|url\(|//", value)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


def test_self_contained(page):
    parser = Parser()
    parser.feed(page)
    assert parser.open == [] and parser.outside == []
    assert "script" not in parser.names and "svg" in parser.names
    style = re.search("<style>(.*?)</style>", page, re.S).group(1)
    assert not re.search(r"url\(|@import|https?:", style)


def words(element):
    return " ".join("".join(element.itertext()).split())


def test_numbers_agree_with_json(page, data):
    """The page's own markup is XML, too."""
    root = xml.etree.ElementTree.fromstring(page.replace("<!DOCTYPE html>", ""))
    cards = {e.get("data-destination"): e for e in root.iter("section")
             if e.get("data-destination")}
    assert list(cards) == [d["Name"] for d in data["Status"]["Destinations"]]
    for d in data["Status"]["Destinations"]:
        (counts,) = (e for e in cards[d["Name"]].iter("div")
                     if e.get("class") == "counts")
        shown = {(e.find("b").tail): int(e.find("b").text.replace(",", ""))
                 for e in counts}
        items = d["Items"]
        assert shown["waiting"] == (items["new"] + items["active"]
                                    + items["deferred"])
        assert shown["failed"] == items["failed"]
        (series,) = (s for s in data["Day"]["Destinations"]
                     if s["Name"] == d["Name"])
        text = words(cards[d["Name"]])
        if d["Name"] == LONG:
            assert "Nothing came, and nothing waited" in text
            continue
        assert f"most {max(series['Waiting']):,}" in text
        for name in ("Arrived", "Delivered", "Failed"):
            assert f"{name.lower()} {sum(series[name]):,}" in text
    for group in data["Failed"]:
        assert group["ToDo"] in words(root)
    for entry in data["Day"]["Slowest"] + data["Day"]["Largest"]:
        assert entry["Item"] in words(root)


def test_the_day(scene, data):
    """What the log says, counted by hand."""
    gateway, log = scene
    (pacs,) = (s for s in data["Day"]["Destinations"] if s["Name"] == "PACS")
    lines = log.read_text("ascii").splitlines()
    delivered = sum(" delivered " in line for line in lines)
    failed = sum(" failed " in line for line in lines)
    # The first minutes of the log may lie before the day that is shown.
    assert delivered - 5 <= sum(pacs["Delivered"]) <= delivered
    assert failed - 1 <= sum(pacs["Failed"]) <= failed
    assert max(pacs["Waiting"]) > 100
    # When the night was over the queue was drained, and is empty now.
    assert pacs["Waiting"][-1] == 0
    slowest = data["Day"]["Slowest"][0]
    assert slowest["Destination"] == "PACS"
    assert 10500 < slowest["Seconds"] < 11500
    assert [e["Seconds"] for e in data["Day"]["Slowest"]] == sorted(
        (e["Seconds"] for e in data["Day"]["Slowest"]), reverse=True)
    (archive,) = (s for s in data["Day"]["Destinations"]
                  if s["Name"] == "ARCHIVE")
    assert archive["Waiting"][-1] == sum(archive["Arrived"]) == 7
    largest = data["Day"]["Largest"]
    files = [p.stat().st_size for p in gateway.spool.rglob("queue/*/*/*.dcm")
             if p.parent.name not in ("result", "sent")]
    assert [e["Bytes"] for e in largest] == sorted(files, reverse=True)[:10]


def test_counted(start_gateway, pacs):
    """The plots are of the daemons' own counters, without any log."""
    gateway = start_gateway({"pacs": pacs})
    pacs.script = [Answer(), Answer(), Answer(0xA900), Answer()]
    for _ in range(4):
        gateway.store(instance.make())
    gateway.wait_empty("pacs")

    def series():
        (one,) = json.loads(gateway.command(
            "report", "--json", os.devnull).stdout)["Day"]["Destinations"]
        assert one["Counted"]
        return one
    tools.wait_until(lambda: sum(series()["Delivered"]) == 3, 10)
    one = series()
    assert (sum(one["Arrived"]), sum(one["Failed"])) == (4, 1)
    assert sum(one["Delivered"][-2:]) == 3  # a bucket may just have ended
    pacs.stop()
    put(gateway, "pacs", *(instance.make() for _ in range(5)))
    tools.wait_until(lambda: series()["Waiting"][-1] == 5, 10)


def test_what_failed_says_what_to_do(data, page):
    (group,) = data["Failed"]
    assert (group["Destination"], group["Status"], group["Items"]) == (
        "PACS", "0xA900", 3)
    assert "dcmspool edit" in group["ToDo"]
    assert "dcmspool show --all PACS/failed --status 0xA900" in page


def test_attention(page):
    page = re.sub("</?code>", "", page)
    assert "Needs attention" in page
    assert "ARCHIVE cannot be reached" in page
    assert f"dcmspool resume {LONG}" in page
    assert f"The certificate of {LONG} ends in 1" in page


def test_no_patient_data(page, data):
    for text in (page, json.dumps(data)):
        assert SECRET not in text and "TEST^E2E" not in text
        assert "E2E-" not in text


def test_all_is_well(start_gateway, pacs, tmp_path):
    gateway = start_gateway({"pacs": pacs})
    done = gateway.command("report", os.devnull)
    assert done.returncode == 0
    assert "All is well" in done.stdout
    assert "Needs attention" not in done.stdout


def test_daemons_that_do_not_run(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    gateway.sender.start()
    gateway.sender.stop()
    page = gateway.command("report", os.devnull).stdout
    for side in ("sender", "receiver"):
        assert f"systemctl start dcmspool-{side}" in page


def test_a_log_that_is_not_there(scene):
    gateway, _ = scene
    done = gateway.command("report", gateway.folder / "none.log")
    assert done.returncode == 73 and "none.log" in done.stdout


def test_unknown_option(scene):
    assert scene[0].command("report", "--nonsense").returncode == 64


# in a browser

SCREENS = {"desktop": (1280, 900, False), "phone": (360, 740, True)}
OVERFLOW = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && !e.closest('svg')
        && (box.right > wide + 1 || box.left < -1
            || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
               && getComputedStyle(e).display != 'inline');
}).map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 60));
"""
CONTRAST = """
const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => {
    x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
const behind = e => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255,255,255)'; };
return [...document.querySelectorAll('body *')].filter(e =>
    [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
    .map(e => { const a = light(getComputedStyle(e).color),
        b = light(behind(e));
        return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05),
                e.tagName + ' ' + e.className]; })
    .filter(([ratio]) => ratio < 4.5);
"""


@pytest.fixture(scope="module")
def browser():
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            pytest.skip(f"there is no {program}: `make check-report` has it")
    one = Browser()
    yield one
    one.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_in_a_browser(browser, page, tmp_path, screen, scheme):
    """DCMSPOOL_SCREENSHOTS=FOLDER keeps what was seen, to be looked at."""
    width, height, phone = SCREENS[screen]
    path = tmp_path / "report.html"
    path.write_text(page, "utf-8")
    browser.show(path, width, height, scheme, phone)
    # What the browser reads for its own pages is inside it; data: is the text.
    assert [url for url in browser.requests()
            if not url.startswith(("chrome://", "data:"))] == [path.as_uri()]
    assert browser.complaints() == []
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.run(OVERFLOW) == []
    assert browser.run(CONTRAST) == []
    smallest = browser.run("""return Math.min(...[...document
        .querySelectorAll('body *')].map(e =>
            parseFloat(getComputedStyle(e).fontSize)))""")
    assert smallest >= 12
    background = browser.run(
        "return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 384) == (
        scheme == "light")
    folder = pathlib.Path(os.environ.get("DCMSPOOL_SCREENSHOTS") or tmp_path)
    shot = folder / f"report-{screen}-{scheme}.png"
    browser.screenshot(shot)
    assert shot.stat().st_size > 20000
