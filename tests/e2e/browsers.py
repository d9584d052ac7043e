"""The browser that the tests drive, and what they need of this machine."""

import shutil

import pytest

from vaultra_local.catalogue import ROOT

CHROMIUM = shutil.which("chromium")
BUILT = (ROOT / "frontend/dist/index.html").exists()
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
needs_browser = pytest.mark.skipif(not (CHROMIUM and BUILT), reason="needs Chromium on the PATH and `make site`")
