"""The catalogue's downloads, against a server on this machine that does everything a network can do wrong."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from archive_samples import WIKITEXT, cifar_members, plain_tar_gz, plain_zip, tar_entry, tar_gz, tree

from trainwright.data.read import catalog, source
from trainwright.data.read.archive_sets import read_cifar, wikitext
from trainwright.data.read.catalog_entries import ArchiveLayout, CsvLayout, Dataset, IdxLayout, TextLayout
from trainwright.errors import SourceError

BODY = random.Random(0).randbytes(300_000)
MD5 = hashlib.md5(BODY).hexdigest()
Answer = Callable[[BaseHTTPRequestHandler], None]


# What the server can answer


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for key, value in {"Content_Length": str(len(body)), **headers}.items():
        handler.send_header(key.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler: BaseHTTPRequestHandler) -> None:
    """A well-behaved server: the file, or the range asked for."""
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    start = int(asked[1]) if asked else 0
    if start >= len(BODY):
        send(handler, 416, b"")
    elif asked:
        send(handler, 206, BODY[start:], Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
    else:
        send(handler, 200, BODY)


def ignore_range(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, BODY)


def other_range(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 206, BODY[7:], Content_Range=f"bytes 7-{len(BODY) - 1}/{len(BODY)}")


def compressed(handler: BaseHTTPRequestHandler) -> None:
    """Compresses although it was asked not to, even a range."""
    if "Range" in handler.headers:
        send(handler, 206, gzip.compress(BODY[1000:]), Content_Range="bytes 1000-9999/10000", Content_Encoding="gzip")
    else:
        send(handler, 200, gzip.compress(BODY), Content_Encoding="gzip")


def wrong(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, bytes(len(BODY)))


def loop(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 302, b"", Location=handler.path)


def status(code: int) -> Answer:
    return lambda handler: send(handler, code, b"no")


def cut(after: int) -> Answer:
    return lambda handler: send(handler, 200, BODY[:after], Content_Length=str(len(BODY)))


def cut_unsaid(handler: BaseHTTPRequestHandler) -> None:
    """Ends early without having said how much there is, so that only the catalogue's own size can tell."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(BODY[:1000])


class Server:
    """Answers with ``answers`` in turn, the last one for ever; keeps the Range header of every request."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [whole]
        self.ranges: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.ranges.append(self.headers.get("Range"))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                try:
                    answer(self)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/train.csv"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """The folder of the data set ``tiny``, which has one file, BODY, on the server."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("TRAINWRIGHT_OFFLINE", raising=False)
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(catalog, "RETRY_PAUSES", (0.0, 0.0))
    offer(monkeypatch, server.address)
    return tmp_path / "cache" / "tiny"


def offer(monkeypatch: pytest.MonkeyPatch, *addresses: str, size: int | None = len(BODY)) -> None:
    layout = CsvLayout(("class", "text"), "class", ("text",), {})
    file = catalog.File(addresses, MD5, size)
    monkeypatch.setitem(catalog.CATALOG, "tiny", Dataset("tiny", "", "", "text", {"train": file}, layout))


def part_of(cache: Path, content: bytes) -> Path:
    cache.mkdir(parents=True)
    part = cache / "train.csv.part"
    part.write_bytes(content)
    return part


def refused(code: str, *words: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        catalog.fetch("tiny")
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)
    return caught.value


def assert_complete(cache: Path, found: dict[str, Path]) -> None:
    assert found == {"train": cache / "train.csv"}
    assert found["train"].read_bytes() == BODY
    assert not (cache / "train.csv.part").exists()


# What the catalogue says


def test_ag_news_entry_is_complete_and_its_test_file_is_the_official_one() -> None:
    entry = catalog.CATALOG["ag_news"]
    assert {split: file.name for split, file in entry.files.items()} == {"train": "train.csv", "test": "test.csv"}
    assert entry.files["train"].md5 == "b1a00f826fdfbd249f79597b59e1dc12"
    assert isinstance(entry.layout, CsvLayout)
    assert list(entry.layout.classes.values()) == ["World", "Sports", "Business", "Sci/Tech"]
    assert {entry.layout.label, *entry.layout.text} == set(entry.layout.columns)
    folder = os.environ.get("TRAINWRIGHT_TEST_DATA")
    if not folder:
        pytest.skip("TRAINWRIGHT_TEST_DATA does not name the folder with the official file")
    official = (Path(folder) / "ag_news" / "test.csv").read_bytes()
    expected = entry.files["test"]
    assert (hashlib.md5(official).hexdigest(), len(official)) == (expected.md5, expected.size)


def test_every_entry_is_named_by_its_key_and_can_be_downloaded_safely() -> None:
    for name, entry in catalog.CATALOG.items():
        assert entry.name == name
        assert entry.description
        assert entry.licence
        assert entry.task in ("text", "image", "language", "table")
        names = [file.name for file in entry.files.values()]
        assert len(set(names)) == len(names)
        for file in entry.files.values():
            assert len(set(file.addresses)) == len(file.addresses) > 0
            assert all(address.startswith("https://") for address in file.addresses)
            assert re.fullmatch("[0-9a-f]{32}", file.md5)
            assert re.fullmatch(r"[\w.-]+", file.name)
            assert file.size


def test_keys_of_the_files_are_those_that_the_layout_promises() -> None:
    for entry in catalog.CATALOG.values():
        keys = set(entry.files)
        match entry.layout:
            case CsvLayout():
                assert keys == {"train", "test"}
            case IdxLayout(classes):
                assert keys == {"train_images", "train_labels", "test_images", "test_labels"}
                assert len(set(classes)) == 10
            case TextLayout():
                assert keys in ({"train"}, {"train", "valid", "test"})
            case ArchiveLayout():
                assert keys == {"archive"}
    assert {name for name, entry in catalog.CATALOG.items() if entry.task == "image"} == {
        "mnist", "fashion_mnist", "cifar10", "cifar100"
    }  # fmt: skip
    assert {name for name, entry in catalog.CATALOG.items() if entry.task == "language"} == {"ptb", "wikitext2", "shakespeare"}


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("ptb", {"train": "ptb/ptb.train.txt", "valid": "ptb/ptb.valid.txt", "test": "ptb/ptb.test.txt"}),
        ("shakespeare", {"train": "shakespeare/input.txt"}),
        ("mnist", {key: f"mnist/{file}" for key, file in (
            ("train_labels", "train-labels-idx1-ubyte.gz"),
            ("test_images", "t10k-images-idx3-ubyte.gz"),
            ("test_labels", "t10k-labels-idx1-ubyte.gz"),
        )}),
    ],
)  # fmt: skip
def test_entries_are_those_of_the_published_files(real_data: Path, name: str, files: dict[str, str]) -> None:
    for key, file in files.items():
        content = (real_data / file).read_bytes()
        expected = catalog.CATALOG[name].files[key]
        assert (hashlib.md5(content).hexdigest(), len(content)) == (expected.md5, expected.size)


def test_only_tables_are_read_as_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalog, "fetch", lambda *_, **__: {"train": tmp_path / "input.txt"})
    found = source.find("shakespeare", None, None, offline=True)
    with pytest.raises(SourceError, match="task language") as caught:
        found.tables()
    assert caught.value.code == "E181"


def test_names_are_sorted_and_hold_the_downloaded_and_the_built_in() -> None:
    assert catalog.names() == sorted(catalog.names())
    assert {"ag_news", "python-docs"} <= set(catalog.names())


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(SourceError, match="Did you mean 'ag_news'") as caught:
        catalog.fetch("agnews")
    assert caught.value.code == "E130"


def test_cache_folder_is_the_users_where_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINWRIGHT_CACHE", raising=False)
    assert catalog.cache_folder().is_absolute()
    assert "trainwright" in catalog.cache_folder().parts
    monkeypatch.setenv("TRAINWRIGHT_CACHE", "~/here")
    assert catalog.cache_folder() == Path.home() / "here"


# Downloads that go well


def test_download_and_progress(server: Server, cache: Path) -> None:
    events: list[catalog.Progress] = []
    assert_complete(cache, catalog.fetch("tiny", progress=events.append))
    assert server.ranges == [None]
    done = [event.done for event in events]
    assert done == sorted(done)
    assert done[-1] == len(BODY)
    assert {(event.phase, event.total, event.unit) for event in events} == {("download tiny train", len(BODY), "bytes")}


def test_total_comes_from_the_server_where_the_size_is_not_known(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, server.address, size=None)
    part_of(cache, BODY[:1000])
    events: list[catalog.Progress] = []
    assert_complete(cache, catalog.fetch("tiny", progress=events.append))
    assert {event.total for event in events} == {len(BODY)}


def test_cached_file_is_used_without_a_request(server: Server, cache: Path) -> None:
    catalog.fetch("tiny")
    before = (cache / "train.csv").stat().st_mtime_ns
    assert_complete(cache, catalog.fetch("tiny"))
    assert_complete(cache, catalog.fetch("tiny", offline=True))
    assert (cache / "train.csv").stat().st_mtime_ns == before
    assert len(server.ranges) == 1


def test_cached_file_is_used_without_writing_to_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    (cache / "train.csv").write_bytes(BODY)  # put there by hand
    assert_complete(cache, catalog.fetch("tiny"))
    assert [path.name for path in cache.iterdir()] == ["train.csv"]


@pytest.mark.parametrize("damage", [BODY[:-1], BODY[:-1] + b"?"])
def test_damaged_cached_file_is_replaced(server: Server, cache: Path, damage: bytes) -> None:
    assert damage != BODY
    catalog.fetch("tiny")
    (cache / "train.csv").write_bytes(damage)
    assert_complete(cache, catalog.fetch("tiny"))
    assert len(server.ranges) == 2


# Data sets of several files, and archives


def serve(monkeypatch: pytest.MonkeyPatch, server: Server, files: dict[str, bytes]) -> None:
    """``tiny`` has these files, by key, each under a name of its own on the server."""
    folder = server.address.rpartition("/")[0]
    entries = {
        key: catalog.File((f"{folder}/{key}.bin",), hashlib.md5(body).hexdigest(), len(body)) for key, body in files.items()
    }
    monkeypatch.setitem(
        catalog.CATALOG, "tiny", Dataset("tiny", "", "", "image", entries, ArchiveLayout("cifar10"))
    )  # fmt: skip
    server.answers = [lambda handler: send(handler, 200, files[Path(handler.path).stem])]


def test_every_file_is_downloaded_under_its_key(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"train_images": b"1" * 100, "train_labels": b"2" * 10}
    serve(monkeypatch, server, files)
    phases: list[str] = []
    found = catalog.fetch("tiny", progress=lambda event: phases.append(event.phase))
    assert {key: path.read_bytes() for key, path in found.items()} == files
    assert phases == ["download tiny train_images", "download tiny train_labels"]
    found["train_labels"].unlink()
    catalog.fetch("tiny")
    assert len(server.ranges) == 3  # only the missing one again


def test_archive_is_downloaded_and_read_and_never_unpacked(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content, pixels, labels = cifar_members("cifar10")
    serve(monkeypatch, server, {"archive": plain_tar_gz(content)})
    found, names = read_cifar(catalog.fetch("tiny")["archive"], "cifar10")["train"]
    assert (found == pixels).all()
    assert names == [f"class_{label}" for label in labels]
    serve(monkeypatch, server, {"archive": plain_zip(WIKITEXT)})
    assert wikitext(catalog.fetch("tiny")["archive"])["valid"] == " \n = Homarus = \n"
    assert tree(tmp_path) == ["cache", "cache/tiny", "cache/tiny/.lock", "cache/tiny/archive.bin"]


def test_hostile_archive_is_refused_and_writes_nothing(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content, *_ = cifar_members("cifar10")
    first = next(iter(content))
    link = tar_entry(first, kind=b"2", link="/etc/passwd")
    rest = [tar_entry(name, each) for name, each in content.items() if name != first]
    for code, body in [
        ("E138", tar_gz([link, *rest])),
        ("E136", tar_gz([tar_entry(f"../{first}", content[first]), *rest])),
        ("E180", tar_gz([tar_entry(first, b"1"), *rest])),
        ("E139", plain_tar_gz(content)[:-100]),
    ]:
        serve(monkeypatch, server, {"archive": body})
        with pytest.raises(SourceError) as caught:
            read_cifar(catalog.fetch("tiny")["archive"], "cifar10")
        assert caught.value.code == code
    assert tree(tmp_path) == ["cache", "cache/tiny", "cache/tiny/.lock", "cache/tiny/archive.bin"]


def test_servers_are_told_who_asks(server: Server, cache: Path) -> None:
    told: list[str] = []
    server.answers = [lambda handler: told.append(handler.headers["User-Agent"]) or whole(handler)]
    catalog.fetch("tiny")
    assert told == ["trainwright"]


# Resuming


def test_part_is_resumed(server: Server, cache: Path) -> None:
    part_of(cache, BODY[:1000])
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == ["bytes=1000-"]


def test_whole_part_needs_no_request(server: Server, cache: Path) -> None:
    part_of(cache, BODY)
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == []


def test_server_that_ignores_range(server: Server, cache: Path) -> None:
    part_of(cache, BODY[:1000])
    server.answers = [ignore_range]
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == ["bytes=1000-"]


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_part_past_the_end_starts_again(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, size: int | None) -> None:
    offer(monkeypatch, server.address, size=size)
    part_of(cache, BODY + b"more")  # the server answers 416
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == [f"bytes={len(BODY) + 4}-", None]


def test_server_that_answers_another_range(server: Server, cache: Path) -> None:
    part_of(cache, BODY[:1000])
    server.answers = [other_range, whole]
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == ["bytes=1000-", None]


def test_part_is_not_resumed_in_the_middle_of_compressed_bytes(server: Server, cache: Path) -> None:
    part_of(cache, BODY[:1000])
    server.answers = [compressed]
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("have", [0, 1000])
def test_gz_file_that_the_server_calls_encoded_is_kept_as_it_is(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, have: int
) -> None:
    packed = gzip.compress(BODY)
    file = catalog.File((f"{server.address}.gz",), hashlib.md5(packed).hexdigest(), len(packed))
    entry = Dataset("tiny", "", "", "image", {"train_images": file}, IdxLayout(("0",)))
    monkeypatch.setitem(catalog.CATALOG, "tiny", entry)
    label = {"Content_Encoding": "gzip", "Content_Range": f"bytes {have}-{len(packed) - 1}/{len(packed)}"}
    server.answers = [lambda handler: send(handler, 206 if have else 200, packed[have:], **label)]
    if have:
        cache.mkdir(parents=True)
        (cache / "train.csv.gz.part").write_bytes(packed[:have])
    assert catalog.fetch("tiny")["train_images"].read_bytes() == packed
    assert server.ranges == [f"bytes={have}-" if have else None]


def test_part_with_other_content_starts_again(server: Server, cache: Path) -> None:
    part_of(cache, b"x" * 1000)
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_cut_connection_goes_on_where_it_ended(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    offer(monkeypatch, server.address, size=size)
    server.answers = [cut(after=1000), whole]
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == [None, "bytes=1000-"]


def test_cut_that_the_server_does_not_tell_goes_on_too(server: Server, cache: Path) -> None:
    server.answers = [cut_unsaid, whole]
    events: list[catalog.Progress] = []
    assert_complete(cache, catalog.fetch("tiny", progress=events.append))
    assert {event.total for event in events} == {len(BODY)}
    assert server.ranges == [None, "bytes=1000-"]


def test_what_arrived_is_kept_for_the_next_call(server: Server, cache: Path) -> None:
    server.answers = [cut(after=1000), status(503)]
    refused("E132", "503")
    assert not (cache / "train.csv").exists()
    server.answers = [whole]
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges[-1] == "bytes=1000-"


# Downloads that fail


def test_wrong_checksum_names_both_and_leaves_nothing(server: Server, cache: Path) -> None:
    server.answers = [wrong]
    refused("E133", MD5, hashlib.md5(bytes(len(BODY))).hexdigest(), server.address, "python-docs")
    assert [path.name for path in cache.iterdir()] == [".lock"]
    assert len(server.ranges) == 1


@pytest.mark.parametrize(("code", "requests"), [(404, 1), (403, 1), (500, 3), (503, 3), (429, 3)])
def test_status_is_retried_only_where_it_may_pass(server: Server, cache: Path, code: int, requests: int) -> None:
    server.answers = [status(code)]
    refused("E132", str(code), server.address, "python-docs", str(cache / "train.csv"), MD5)
    assert len(server.ranges) == requests
    assert not (cache / "train.csv").exists()


def test_passing_status_is_overcome(server: Server, cache: Path) -> None:
    server.answers = [status(500), status(429), whole]
    assert_complete(cache, catalog.fetch("tiny"))


def test_pauses_grow_and_end(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(catalog, "time", SimpleNamespace(sleep=slept.append))
    monkeypatch.setattr(catalog, "RETRY_PAUSES", (0.5, 2.0))
    server.answers = [status(500)]
    refused("E132")
    assert slept == [0.5, 2.0]


@pytest.mark.parametrize("first", [status(404), wrong])
def test_next_address_is_tried(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, first: Answer) -> None:
    offer(monkeypatch, server.address, server.address)
    server.answers = [first, whole]
    assert_complete(cache, catalog.fetch("tiny"))
    assert len(server.ranges) == 2


def test_redirect_loop(server: Server, cache: Path) -> None:
    server.answers = [loop]
    refused("E132", "redirect", "python-docs")
    assert len(server.ranges) < 10


def test_no_server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # holds the port, but does not listen
        offer(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/train.csv")
        refused("E132", "refused", "python-docs", str(cache / "train.csv"))


def test_server_that_never_answers(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(catalog, "TIMEOUT", 0.1)
    server.answers = [lambda handler: release.wait() and None]
    try:
        refused("E132", "timed out", "python-docs")
    finally:
        release.set()


def test_proxy_setting_that_makes_no_sense(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://proxy")
    refused("E132", "cannot be set up", "nonsense")


@pytest.mark.parametrize("size", [None, 1000])
def test_endless_answer_is_cut_off(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, size: int | None) -> None:
    monkeypatch.setattr(catalog, "MOST_BYTES", 1000)
    offer(monkeypatch, server.address, size=size)
    done: list[int] = []
    with pytest.raises(SourceError, match="more than 1000 bytes"):
        catalog.fetch("tiny", progress=lambda event: done.append(event.done))
    assert max(done, default=0) <= 1000
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_offline_without_the_file(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="downloads are switched off") as caught:
        catalog.fetch("tiny", offline=True)
    assert caught.value.code == "E131"
    monkeypatch.setenv("TRAINWRIGHT_OFFLINE", "1")
    refused("E131", "python-docs", str(cache / "train.csv"), MD5)
    assert server.ranges == []
    assert not cache.exists()
    monkeypatch.setenv("TRAINWRIGHT_OFFLINE", "0")
    assert_complete(cache, catalog.fetch("tiny"))


def test_offline_with_a_damaged_file(server: Server, cache: Path) -> None:
    catalog.fetch("tiny")
    (cache / "train.csv").write_bytes(b"damaged")
    with pytest.raises(SourceError, match=MD5) as caught:
        catalog.fetch("tiny", offline=True)
    assert caught.value.code == "E133"
    assert caught.value.where == str(cache / "train.csv")


def test_cache_that_is_a_file(cache: Path) -> None:
    cache.parent.parent.joinpath("cache").write_text("not a folder")
    refused("E134", "TRAINWRIGHT_CACHE", "python-docs", str(cache))


@pytest.mark.parametrize("forbidden", ["mkdir", "open"])
def test_no_permission(cache: Path, monkeypatch: pytest.MonkeyPatch, forbidden: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, forbidden, refuse)
        refused("E134", "Permission denied", "TRAINWRIGHT_CACHE")
    assert_complete(cache, catalog.fetch("tiny"))


def test_disk_full_at_the_last_moment(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        refused("E134", "No space left")
    assert not (cache / "train.csv").exists()
    assert_complete(cache, catalog.fetch("tiny"))
    assert len(server.ranges) == 1


# More than one process

CHILD = """
import os, signal, sys
from trainwright.data.read import catalog, catalog_entries
address, md5, size = sys.argv[1:]
layout = catalog_entries.CsvLayout(("class", "text"), "class", ("text",), {})
file = catalog.File((address,), md5, int(size))
catalog.CATALOG["tiny"] = catalog_entries.Dataset("tiny", "", "", "text", {"train": file}, layout)
"""


def start(server: Server, code: str) -> subprocess.Popen[str]:
    package = Path(catalog.__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code, server.address, MD5, str(len(BODY))],
        env={**os.environ, "PYTHONPATH": str(package)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(child: subprocess.Popen[str], status: int) -> str:
    output, _ = child.communicate(timeout=60)
    assert child.returncode == status, output
    return output


def test_killed_before_the_renaming(server: Server, cache: Path) -> None:
    child = start(
        server,
        "catalog.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\ncatalog.fetch('tiny')",
    )
    finish(child, -signal.SIGKILL)
    assert not (cache / "train.csv").exists()
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == [None]


def test_killed_in_the_middle(server: Server, cache: Path) -> None:
    server.answers = [cut(after=1000), whole]
    child = start(server, "catalog.fetch('tiny', progress=lambda event: os.kill(os.getpid(), signal.SIGKILL))")
    finish(child, -signal.SIGKILL)
    assert not (cache / "train.csv").exists()
    arrived = (cache / "train.csv.part").read_bytes()
    assert arrived
    assert BODY.startswith(arrived)
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == [None, f"bytes={len(arrived)}-"]


def test_two_processes_share_one_download(server: Server, cache: Path) -> None:
    asked, release = threading.Event(), threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        if asked.is_set():  # a second request, which there should not be: let the test fail at once
            release.set()
        asked.set()
        release.wait()
        whole(handler)

    server.answers = [hold]
    code = "catalog.fetch('tiny', progress=lambda event: print(event.phase, flush=True))"
    children = [start(server, code)]
    try:
        assert asked.wait(timeout=60)
        children.append(start(server, code))
        assert children[1].stdout is not None
        assert children[1].stdout.readline() == "wait for another download of tiny\n"
    finally:
        release.set()
        for child in children:
            finish(child, 0)
    assert server.ranges == [None]
    assert (cache / "train.csv").read_bytes() == BODY


def test_disk_full_in_the_middle(server: Server, cache: Path) -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    catalog.fetch('tiny')
except catalog.TrainwrightError as problem:
    print(problem)
"""
    assert finish(start(server, code), 0).startswith("E134: ")
    assert not (cache / "train.csv").exists()
    assert_complete(cache, catalog.fetch("tiny"))
    assert server.ranges == [None, "bytes=1000-"]


def test_no_network_library_is_loaded_for_a_cached_file(server: Server, cache: Path) -> None:
    catalog.fetch("tiny")
    code = "catalog.fetch('tiny')\nprint(sorted({'httpx', 'ssl', 'torch'} & set(sys.modules)))"
    assert finish(start(server, code), 0) == "[]\n"
