"""Build the wheel and the sdist, install each into an environment of its own, and use it from another folder.

The environment borrows the installed dependencies of this one, but not its seglib. Files go to out/dist.
"""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

here = Path(__file__).resolve().parents[1]
dist = here / "out" / "dist"

USE = """
import sys
from pathlib import Path
import seglib
from seglib.capture.browser_camera import BrowserSource
assert Path(seglib.__file__).is_relative_to(sys.prefix), seglib.__file__
output = seglib.Pipeline(effect=seglib.Replace("beach"))(seglib.sample_frame()).output
assert output.shape == (480, 640, 3)
assert len(list(seglib.open_source("clip"))) > 100
assert sum(1 for _ in seglib.sample_clip_masks()) > 100
live = seglib.Live("clip")
"""


def run(*command: object, cwd: Path) -> None:
    """Run a command that must succeed."""
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


def main() -> None:
    """Build and try both kinds of package."""
    shutil.rmtree(dist, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, here, cwd=here)
    for package in sorted(dist.iterdir()):
        with tempfile.TemporaryDirectory(prefix="seglib wheel ") as name:
            folder = Path(name)
            venv.create(folder / "env", with_pip=True)
            scripts = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
            python = scripts / "python"
            site = next((folder / "env").rglob("site-packages"))
            # A folder named in a .pth file is searched, but its own .pth files, an editable seglib's say, are not read.
            (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
            if package.suffix == ".gz":  # the new environment's own setuptools may be too old to build
                wheel = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
                run(sys.executable, *wheel, package, cwd=folder)
            [found] = folder.glob("*.whl") if package.suffix == ".gz" else [package]
            run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", found, cwd=folder)
            run(python, "-c", USE, cwd=folder)
            run(python, "-m", "seglib", "demo", "--frames", "3", cwd=folder)
            assert (folder / "out" / "blurred.mp4").stat().st_size > 0
        print(f"{package.name}: works from another folder")


if __name__ == "__main__":
    main()
