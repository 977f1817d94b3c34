"""Orthanc as destination and as source."""

import io
import json
import shutil
import subprocess
import urllib.error
import urllib.request

import pydicom
import pytest
from peers import instance, pdu
from peers.modality import store_one

import tools

ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")

pytestmark = pytest.mark.skipif(ORTHANC is None, reason="no Orthanc here")


class Orthanc:
    def __init__(self, folder, modalities, **settings):
        self.folder = folder
        self.port, self.http = tools.free_port(), tools.free_port()
        (folder / "orthanc.json").write_text(json.dumps({
            "Name": "test", "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"), "Plugins": [],
            "DicomAet": "ORTHANC", "DicomPort": self.port,
            "DicomCheckCalledAet": False, "HttpPort": self.http,
            "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
            "DicomModalities": modalities, "StableAge": 1,
            "OverwriteInstances": True, "StorageCompression": False,
            **settings}))
        self.process = None

    def start(self):
        with open(self.folder / "orthanc.log", "wb") as log:
            self.process = subprocess.Popen(
                [ORTHANC, str(self.folder / "orthanc.json")], stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        tools.wait_until(lambda: tools.listening(self.port)
                         and tools.listening(self.http), 30, "Orthanc serves")
        return self

    def stop(self):
        if self.process is not None:
            tools.end_session(self.process)
            self.process = None

    def call(self, path, data=None):
        if isinstance(data, (dict, list)):
            data = json.dumps(data).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}", data)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def get(self, path):
        return json.loads(self.call(path))

    def uids(self):
        return sorted(self.get(f"/instances/{i}")["MainDicomTags"][
            "SOPInstanceUID"] for i in self.get("/instances"))


@pytest.fixture
def orthanc(tmp_path):
    started = []

    def start(**modalities):
        folder = tmp_path / "orthanc"
        folder.mkdir()
        started.append(Orthanc(folder, modalities).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_as_destination(start_gateway, orthanc):
    server = orthanc()
    gateway = start_gateway({"pacs": server})
    made = [instance.read(p) for p in tools.real_files(even=True)
            if p.name in ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm",
                          "MR_small_RLE.dcm")]
    made += [instance.make(pixels=100000) for _ in range(3)]
    by_uid = {m.uid: m for m in made}
    with gateway.modality(*by_uid.values()) as ct:
        for one in by_uid.values():
            response = ct.store(one)
            assert response.status == 0, (one.uid, response)
    assert server.uids() == sorted(by_uid)
    for found in server.get("/instances"):
        data = server.call(f"/instances/{found}/file")
        meta, offset = instance.read_meta(data)
        sent = by_uid[meta[0x03]]
        if sent in made[-3:]:
            assert data[offset:] == sent.data
        else:  # Orthanc writes it anew
            path = sent.write(gateway.folder / "sent.dcm")
            assert (pydicom.dcmread(io.BytesIO(data)).PixelData
                    == pydicom.dcmread(path).PixelData)


def test_as_destination_that_refuses(start_gateway, orthanc):
    """Its own answer to another UID than that in the data set comes through."""
    server = orthanc()
    gateway = start_gateway({"pacs": server})
    made = instance.make()
    made.uid = instance.new_uid()
    direct = store_one(server.port, made).status
    assert direct == 0xA900
    assert gateway.store(made).status == direct
    gateway.wait_items("pacs", "failed", 1)

def test_as_destination_that_comes_and_goes(start_gateway, orthanc):
    server = orthanc()
    gateway = start_gateway({"pacs": server}, routes=[{"ResponseTimeout": 1}])
    first, second = instance.make(), instance.make()
    assert gateway.store(first).status == 0
    server.stop()
    assert gateway.store(second).status == 0xA700
    server.start()
    gateway.wait_empty("pacs", 20)
    assert server.uids() == sorted((first.uid, second.uid))


def test_as_source(make_gateway, pacs, orthanc):
    gateway = make_gateway({"pacs": pacs})
    gateway.start()
    server = orthanc(gw=["ENS-SCP", "127.0.0.1", gateway.port])
    made = [instance.make(pixels=50000) for _ in range(3)]
    for one in made:
        path = one.write(gateway.folder / "x.dcm")
        server.call("/instances", path.read_bytes())
    assert server.call("/modalities/gw/echo", b"{}") is not None
    server.call("/modalities/gw/store", server.get("/instances"))
    assert sorted(pacs.uids()) == sorted(m.uid for m in made)
    digests = {m.uid: m.digest for m in made}
    for got in pacs.received:
        if got.transfer == pdu.EXPLICIT_LE:
            assert got.digest == digests[got.uid]


def test_source_is_told_the_failure(make_gateway, pacs, orthanc):
    gateway = make_gateway({"pacs": pacs})
    gateway.start()
    server = orthanc(gw=["ENS-SCP", "127.0.0.1", gateway.port])
    pacs.default.status = 0xC001
    path = instance.make().write(gateway.folder / "x.dcm")
    server.call("/instances", path.read_bytes())
    with pytest.raises(urllib.error.HTTPError):
        server.call("/modalities/gw/store", server.get("/instances"))
    gateway.wait_items("pacs", "failed", 1)
