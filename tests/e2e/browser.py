"""Headless Chromium, spoken to by ChromeDriver's own protocol."""

import base64
import json
import os
import subprocess
import tempfile
import urllib.request

import tools

# Without these it looks for the network by itself.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars"]


class Browser:
    def __init__(self):
        self.port = tools.free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="dcmspool-chromium")
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": self.folder.name,
                 "TMPDIR": self.folder.name})
        tools.wait_until(lambda: tools.listening(self.port), 20,
                         "chromedriver listens")
        self.session = self._call("/session", {"capabilities": {"alwaysMatch": {
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
            "goog:chromeOptions": {
                "args": [*FLAGS, f"--user-data-dir={self.folder.name}/user"]},
        }}})["sessionId"]

    def _call(self, path, data):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(data).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def call(self, path, **data):
        return self._call(f"/session/{self.session}{path}", data)

    def devtools(self, command, **parameters):
        return self.call("/goog/cdp/execute", cmd=command, params=parameters)

    def show(self, path, width, height, scheme, phone=False):
        """Opens a file as on a screen of that size, "light" or "dark"."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width,
                      height=height, deviceScaleFactor=2 if phone else 1,
                      mobile=phone)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])
        self.call("/se/log", type="performance")  # what was before
        self.call("/url", url=path.as_uri())

    def requests(self):
        """The addresses that the page asked for."""
        entries = [json.loads(e["message"])["message"]
                   for e in self.call("/se/log", type="performance")]
        return [e["params"]["request"]["url"] for e in entries
                if e["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        return [e["message"] for e in self.call("/se/log", type="browser")]

    def run(self, script):
        return self.call("/execute/sync", script=script, args=[])

    def screenshot(self, path):
        """The whole page, not only what the screen holds."""
        shot = self.devtools("Page.captureScreenshot",
                             captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        tools.end_session(self.driver)
        self.folder.cleanup()
