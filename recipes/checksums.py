"""Write seglib/data/SHA256SUMS, by which `python -m seglib doctor` knows damaged files; run it when one changes.

    python recipes/checksums.py

`sha256sum -c SHA256SUMS` in that folder checks the same without Python.
"""

import hashlib
from pathlib import Path

data = Path(__file__).resolve().parents[1] / "seglib" / "data"
files = sorted(path for path in data.iterdir() if path.is_file() and path.name not in ("SHA256SUMS", "README.md"))
lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
(data / "SHA256SUMS").write_text("".join(lines), encoding="utf-8", newline="\n")
print(f"{len(lines)} files in {data / 'SHA256SUMS'}")
