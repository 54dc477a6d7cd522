"""The built site, served from this machine: run `make docs` first."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SITE = ROOT / "out" / "site"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Address of the site, without a slash at its end."""
    if not (SITE / "index.html").exists() or not (ROOT / "node_modules" / "axe-core").exists():
        reason = "the site is not built, or npm packages are missing: npm ci && make docs"
        if os.environ.get("SEGLIB_REQUIRE_BROWSER"):
            pytest.fail(f"SEGLIB_REQUIRE_BROWSER is set, but {reason}")
        pytest.skip(reason)
    handler = functools.partial(QuietHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
