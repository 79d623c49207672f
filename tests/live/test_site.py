"""Who gets what from the live page, over real sockets of this machine: nobody anything without the token."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from live_samples import Writing, get, path_of, port_of, serving, talk

from trainwright.live import serve
from trainwright.live.serve import HEADERS, Live
from trainwright.live.site import policy


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "secret.html").write_text("secret")
    writing = Writing(folder / "runs" / "one")
    writing.start()
    writing.finish()
    (folder / "runs" / "one" / "story.html").symlink_to(folder / "secret.html")
    with serving(folder / "runs") as served:
        yield served


def key_of(live: Live) -> str:
    return str(json.loads(get(live.url + "state")[2])["runs"][0]["key"])


def test_the_page_and_what_it_asks_for(live: Live) -> None:
    key = key_of(live)
    kinds = {
        "": "text/html; charset=utf-8",
        "watch.js": "text/javascript; charset=utf-8",
        "chart.js": "text/javascript; charset=utf-8",
        "watched.js": "text/javascript; charset=utf-8",
        "watch.css": "text/css; charset=utf-8",
        "state": "application/json",
        f"state?shown={key}&seen=x": "application/json",
        f"runs/{key}/watched": "application/json",
        f"runs/{key}/report.html": "text/html; charset=utf-8",
    }
    for name, kind in kinds.items():
        status, headers, body = get(live.url + name)
        assert (status, headers["content-type"]) == (200, kind) and body
        assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer" and headers["connection"] == "close"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policies = headers["content-security-policy"]
        assert "default-src 'none'" in policies and "frame-ancestors 'none'" in policies and "unsafe" not in policies
        headless = get(live.url + name, method="HEAD")
        assert headless[0] == 200 and headless[2] == b""
        assert "state" in name or headless[1]["content-length"] == str(len(body))


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline() -> None:
    folder = Path(serve.__file__).parent / "assets"
    for path in folder.iterdir():
        text = path.read_text(encoding="ascii").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]+\.|innerHTML|insertAdjacent|document\.write|eval\(|@import|url\((?!#)", text), (
            path.name
        )
    page = (folder / "watch.html").read_text()
    assert not re.search(r"<style|\son[a-z]+=|\sstyle=|<script(?![^>]*\ssrc=)", page)


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 500]
)
def test_other_verbs_get_nothing(live: Live, method: str) -> None:
    for name in ("", "state", "watch.js"):
        status, headers, body = get(live.url + name, method=method)
        assert status in (405, 400) and b"runs" not in body
        assert status == 400 or headers["allow"] == "GET, HEAD"
    assert (
        b" 2"
        not in talk(live.url, f"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:{port_of(live.url)}\r\n\r\n".encode())[:13]
    )


def test_without_the_token_there_is_nothing(live: Live, tmp_path: Path) -> None:
    base, token = f"http://127.0.0.1:{port_of(live.url)}/", path_of(live.url).strip("/")
    with serving(tmp_path) as other:
        assert len(token) >= 32 and path_of(other.url).strip("/") != token
    for wrong in ("", token[:-1], token + "x", token.swapcase(), token[::-1], "x" * len(token), "%00", "%ff" * 32, "\xe9" * 32):
        for name in ("", "/", "/state", "/watch.js", f"/runs/{key_of(live)}/report.html"):
            if wrong or name != "":
                assert get(f"{base}{wrong}{name}")[0] in (400, 404), (wrong, name)
    for path in (f"?{token}", f"state?token={token}", "favicon.ico", f"{token}", f"/{token}/", f"x/{token}/state"):
        assert get(base + path)[0] == 404, path
    assert get(base + "state", more=f"Cookie: token={token}\r\nAuthorization: Bearer {token}\r\n")[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "evil.example:{port}", "127.0.0.1:{port}.evil.example",
             "127.0.0.1:{port}@evil.example", "0.0.0.0:{port}", "[::1]:{port}", " ", "localhost.:{port}"]
)  # fmt: skip
def test_another_name_of_the_host_gets_nothing(live: Live, host: str) -> None:
    assert get(live.url + "state", host=host.format(port=port_of(live.url)))[0] in (400, 421)


def test_the_host_is_named_once(live: Live) -> None:
    port, path = port_of(live.url), path_of(live.url)
    assert get(live.url, host=f"localhost:{port}")[0] == get(live.url, host=f"LocalHost:{port}")[0] == 200
    assert get(live.url, more="Host: evil.example\r\n")[0] == 400
    for sent in (
        f"GET {path} HTTP/1.1\r\n\r\n",
        f"GET {path} HTTP/1.0\r\n\r\n",
        f"GET {path}\r\n\r\n",
        f"GET http://evil{path} HTTP/1.1\r\n\r\n",
    ):
        assert talk(live.url, sent.encode())[9:10] != b"2"


@pytest.mark.parametrize(
    "path",
    ["../secret.html", "..%2fsecret.html", "%2e%2e/secret.html", "%2e%2e%2fsecret.html", "....//secret.html", "..\\secret.html",
     "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "runs/{key}/../../secret.html",
     "runs/one/report.html", "runs/{key}/%2e%2e/%2e%2e/%2e%2e/secret.html", "runs/{key}/..%2f..%2f..%2fsecret.html",
     "runs/{key}/story.html",
     "runs/{key}/settings.toml", "runs/{key}/report.html%00.html", "runs/%00/report.html", "runs//report.html", "watch.js%00",
     "runs/{key}/report.html/", "assets/watch.js", "watch.html/", "__init__.py", "..%5csecret.html", "%252e%252e/secret.html",
     "runs/{key}", "runs/..%2f..%2f/watched", "runs/{key}/events.jsonl", "." * 3000, "runs/{folder}/report.html"],
)  # fmt: skip
def test_paths_lead_nowhere_else(live: Live, path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    asked = path.format(key=key_of(live), folder=str(tmp_path_factory.getbasetemp()).replace("/", "%2f"))
    status, _, body = get(live.url + asked)
    assert status in (400, 404) and b"secret" not in body and b"root:" not in body


def test_heads_without_end_are_refused(live: Live) -> None:
    for long in (f"X: {'a' * (1 << 20)}\r\n", "X: a\r\n" * (1 << 17), "X: " + "a" * (1 << 20)):
        assert (
            talk(live.url, f"GET {path_of(live.url)} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(live.url)}\r\n{long}".encode())[9:10]
            != b"2"
        )
    assert get(live.url + "x" * (1 << 20))[0] == 400
    assert get(live.url + "state?shown=" + "a," * 7000)[0] == 200, "a long list of runs that are not there is no harm"
    more = f"Content-Length: {1 << 40}\r\n"
    assert get(live.url, method="POST", more=more)[0] == 405
    assert get(live.url)[0] == 200


@pytest.mark.parametrize("size", [15_000, 17_000, 60_000, 100_000])
def test_a_whole_head_has_its_limit_too(live: Live, size: int) -> None:
    status = get(live.url, more=f"X: {'a' * size}\r\n")[0]
    assert status == (200 if size < HEADERS else 400)


def test_rubbish_gets_nothing(live: Live) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\0" * 5000 + b"\r\n\r\n",
        b"\r\n" * 5000,
        b"SSH-2.0-x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        assert talk(live.url, sent + b"\r\n\r\n")[9:10] != b"2"
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
    assert get(live.url + "nothing", more=upgrade)[0] == 404


def test_a_connection_has_its_time_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "SECONDS", 0.4)
    with serving(tmp_path) as live, socket.create_connection(("127.0.0.1", port_of(live.url)), timeout=0.05) as slow:
        slow.sendall(f"GET {path_of(live.url)} HTTP/1.1\r\n".encode())
        found, good = b"x", 0
        while found:  # a byte now and then, until the server has had enough
            try:
                slow.sendall(b"X")
                found = slow.recv(100)
                assert not found.startswith(b"HTTP/1.1 2")
            except TimeoutError:
                good += get(live.url)[0] == 200
            except OSError:
                break
        assert good > 1


def test_for_one_connection_too_many_the_one_that_waits_longest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "CONNECTIONS", 5)
    with serving(tmp_path) as live:
        waiting = [socket.create_connection(("127.0.0.1", port_of(live.url)), timeout=20) for _ in range(5)]
        assert get(live.url)[0] == 200
        assert waiting[0].recv(1) == b""
        assert get(live.url)[0] == 200
        waiting[4].sendall(f"GET {path_of(live.url)} HTTP/1.1\r\nHost: 127.0.0.1:{port_of(live.url)}\r\n\r\n".encode())
        assert waiting[4].recv(100).startswith(b"HTTP/1.1 200")
        for each in waiting:
            each.close()


def memory(process: int) -> int:
    """The most bytes that were resident."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[0]) << 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of another process is read from /proc")
def test_a_thousand_connections_take_little_memory_and_nobody_waits(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1500:
        pytest.skip(f"only {hard} files can be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1500), hard))
    command = [sys.executable, "-m", "trainwright", "watch", str(tmp_path), "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None and watcher.stderr is not None
        url = re.findall(r"http\S+", watcher.stdout.readline())[0]
        assert get(url)[0] == 200
        before, attackers = memory(watcher.pid), []
        for number in range(1000):
            attacker = socket.create_connection(("127.0.0.1", port_of(url)), timeout=20)
            attacker.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nX: {'a' * 8000}".encode())
            attackers.append(attacker)
            if number % 100 == 99:
                assert get(url + "state")[0] == 200
        grown = memory(watcher.pid) - before
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(20) == 0 and watcher.stderr.read() == ""
    for attacker in attackers:
        with suppress(ConnectionResetError):
            assert not attacker.recv(100).startswith(b"HTTP/1.1 2")
        attacker.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert grown < 64 << 20


def test_a_run_that_is_removed_while_it_is_watched(tmp_path: Path, begin: Callable[..., Writing]) -> None:
    writing = begin(tmp_path / "runs" / "one")
    with serving(writing.path) as live:
        key = key_of(live)
        assert get(f"{live.url}runs/{key}/watched")[0] == 200
        shutil.rmtree(tmp_path / "runs")
        found = {}
        while found.get("runs") != []:
            found = json.loads(get(f"{live.url}state?shown={key}")[2])
        assert found["alone"] and get(f"{live.url}runs/{key}/watched")[0] == 404


def test_a_page_of_a_run_may_run_its_own_scripts_and_no_others() -> None:
    page = b"<style>a{}</style><SCRIPT type='x'>one\r\ntwo</SCRIPT ><p style='x' onclick='y'><script src='z'></script>"
    found = policy(page)
    assert "style-src 'sha256-" in found and found.count("sha256-") == 3 and "unsafe" not in found
    assert "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" in found, "the digest of nothing"
    assert "sandbox allow-scripts" in found and "allow-same-origin" not in found and "connect-src" not in found
    assert "script-src 'none'; " in policy(b"<p>nothing</p>")


def test_who_takes_too_much_of_a_processor_rests() -> None:
    now = used = slept = 0.0
    budget = serve.Budget(now, used)
    for second in range(1000):  # a flood: whenever it is awake, it works
        now, used = now + 0.1, used + 0.1
        rest = budget.rest(now, used)
        assert rest <= serve.REST and (second > 5 or rest == 0), "a page is loaded without a pause"
        now, slept = now + rest, slept + rest
    assert used / now < 1.2 * serve.SHARE
    for _ in range(200):  # somebody who looks: a fiftieth of a processor
        now, used = now + 1, used + 0.02
        rest = budget.rest(now, used)
    assert rest == 0


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    from trainwright import TrainwrightError

    taken = serve.listen(0)
    with pytest.raises(TrainwrightError, match=f"port {taken.getsockname()[1]} of this machine") as found:
        Live(tmp_path, taken.getsockname()[1])
    assert found.value.code == "E340" and os.strerror(98) in str(found.value)
    assert taken.getsockname()[0] == "127.0.0.1"
    taken.close()
    with pytest.raises(TrainwrightError, match="E340"):
        Live(tmp_path, 70_000)
