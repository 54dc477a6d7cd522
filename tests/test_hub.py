"""The files that a hub builds from, apt.txt and environment.yml, as repo2docker, conda and mamba read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
APT = [line.partition("#")[0].strip() for line in (ROOT / "apt.txt").read_text(encoding="utf-8").splitlines()]
PACKAGES = [name for name in APT if name]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PIP = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))

# Libraries that a server may lack, and their packages in Debian and Ubuntu.
LIBRARIES = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0", "libglib-2.0.so.0": "libglib2.0-0"}


def test_apt_txt_lists_names_and_nothing_else() -> None:
    """repo2docker puts them into a command as they are, and knows no versions."""
    assert PACKAGES == ["libgl1", "libglib2.0-0"]
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", name) for name in PACKAGES)


def test_the_same_libraries_are_named_wherever_they_are_needed() -> None:
    for path in (".ci/run", ".github/workflows/tests.yml", "README.md"):
        text = (ROOT / path).read_text(encoding="utf-8")
        assert all(name in text for name in PACKAGES), path


@pytest.mark.skipif(not (sys.platform == "linux" and shutil.which("ldd")), reason="asks Linux's loader")
def test_opencv_needs_what_apt_txt_brings() -> None:
    import cv2

    (library,) = Path(cv2.__file__).parent.glob("cv2*.so")
    wanted = subprocess.run(["ldd", str(library)], capture_output=True, text=True, check=True).stdout.split()
    needed = {LIBRARIES[name] for name in LIBRARIES if name in wanted}
    assert needed == set(PACKAGES)


def test_nothing_takes_precedence_over_environment_yml() -> None:
    """repo2docker looks into these folders instead of the root, and prefers a Dockerfile to everything."""
    assert not [name for name in ("binder", ".binder", "Dockerfile") if (ROOT / name).exists()]


def test_its_pip_lines_work_as_conda_and_mamba_run_them(tmp_path: Path) -> None:
    """Both write them into a file beside environment.yml and call pip with that folder as its own; so does this."""
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "LICENSE-prose", "environment.yml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "seglib").mkdir()
    shutil.copy(ROOT / "seglib" / "__init__.py", tmp_path / "seglib")  # holds the version
    lines = tmp_path / "mambaf-1a2b"
    lines.write_text("\n".join(PIP) + "\n")
    command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--no-deps", "--no-build-isolation"]
    command += ["--ignore-installed", "--report", "-", "-r", str(lines)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (ours,) = json.loads(done.stdout)["install"]
    assert ours["metadata"]["name"] == "seglib"
    assert ours["requested_extras"] == ["test"]
    assert ours["download_info"]["url"] == tmp_path.as_uri()
    lines.write_text("-c no-such-file.txt\n")  # can it fail?
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0
