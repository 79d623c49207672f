"""The command that serves the live page: its address, its end, and what is wrong with what is asked."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from calls import call

import trainwright as tw
from trainwright.look import watch

SERVE = [sys.executable, "-m", "trainwright", "watch", "--no-open"]


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_for_the_first_run_and_ends_quietly(tmp_path: Path, ended_by: signal.Signals) -> None:
    with subprocess.Popen(SERVE, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None and watcher.stderr is not None
        line = watcher.stdout.readline()
        found = re.fullmatch(r"watching runs at (http://127\.0\.0\.1:(\d+)/[\w-]{32}/) \(Ctrl-C ends it\)\n", line)
        assert found, line
        with urllib.request.urlopen(found[1]) as page:
            assert page.status == 200 and b"<title>Runs</title>" in page.read()
        taken = call("watch", "--no-open", "--port", found[2], cwd=tmp_path, code=2)
        assert "E340" in taken.stderr and found[2] in taken.stderr
        watcher.send_signal(ended_by)
        assert watcher.wait(20) == (0 if ended_by == signal.SIGINT else -signal.SIGTERM)
        assert watcher.stdout.read() == watcher.stderr.read() == ""


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "E101" in call("watch", "nosuch", cwd=tmp_path, code=2).stderr
    assert "--port" in call("watch", "--port", "70000", cwd=tmp_path, code=2).stderr


@pytest.mark.parametrize("name", ["uvicorn", "starlette"])
def test_without_the_server_it_says_how_to_install_it(name: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{name!r}] = None\nfrom trainwright.look import watch\nwatch({str(tmp_path)!r}, open=False)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"E341: the live page needs {name}" in done.stderr and 'pip install "trainwright[watch]"' in done.stderr


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tw.TrainwrightError, match="E101"):
        watch(tmp_path / "nosuch")


def test_looking_imports_no_numbers(trained: tw.Run) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from trainwright.live.serve import Live\n"
        "from trainwright.live.index import Index\n"
        f"found = Index(Path({str(trained.path)!r})).state([], '')\n"
        "assert found['runs'][0]['phase'] == 'ended'\n"
        "heavy = {'torch', 'numpy', 'polars', 'pydantic', 'matplotlib', 'rich', 'httpx'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
