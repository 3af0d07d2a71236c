"""A real browser opens the page: nothing in the console, nothing asked of the network."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "disclosure"))
from handmade import made_document

from iop_outcomes.publication.html import write_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-default-browser-check",
    "--enable-logging=stderr",
    "--v=0",
)


def browse(target: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", *options, target]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


class Listener:
    """A server on this machine that every request of the browser is sent to, and that remembers them."""

    def __init__(self, page: Path) -> None:
        self.asked: list[str] = []
        listener, body = self, page.read_bytes()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(body)

            def do_CONNECT(self) -> None:
                listener.asked.append(f"CONNECT {self.path}")
                self.send_error(502)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_html(made_document(), tmp_path_factory.mktemp("page") / "report.html")


def console(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_opens_without_a_word_in_the_console(page: Path, tmp_path: Path) -> None:
    done = browse(page.as_uri(), tmp_path, "--dump-dom")
    assert "Who stays, who completes" in done.stdout
    assert console(done) == []


def test_the_console_would_be_heard(tmp_path: Path) -> None:
    path = tmp_path / "loud.html"
    path.write_text("<script>console.error('heard'); missing()</script>", encoding="utf-8")
    assert len(console(browse(path.as_uri(), tmp_path, "--dump-dom"))) == 2


def test_opening_the_page_asks_nobody_for_anything_else(page: Path, tmp_path: Path) -> None:
    listener = Listener(page)
    try:
        done = browse(
            "http://report.invalid/report.html",
            tmp_path,
            f"--proxy-server=http://127.0.0.1:{listener.port}",
            "--proxy-bypass-list=<-loopback>",
            "--dump-dom",
        )
    finally:
        listener.close()
    assert "Who stays, who completes" in done.stdout
    pages = [asked for asked in listener.asked if "report.invalid" in asked]
    assert pages == ["http://report.invalid/report.html"]


def test_the_page_prints(page: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.pdf"
    browse(page.as_uri(), tmp_path, f"--print-to-pdf={target}", "--no-pdf-header-footer")
    assert target.read_bytes()[:5] == b"%PDF-"
