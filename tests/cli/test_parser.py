"""python -m seglib: its arguments, its help, and its exit codes."""

from __future__ import annotations

import errno
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import seglib
from seglib.__main__ import main
from seglib.cli.parser import make_parser

COMMANDS = [
    "blur",
    "substitute",
    "cutout",
    "mask",
    "models",
    "fetch",
    "samples",
    "demo",
    "bench",
    "doctor",
    "progress",
    "bundle",
]


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The message for a command line that argparse refuses."""
    with pytest.raises(SystemExit) as caught:
        main(shlex.split(line))
    assert caught.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "command"),
        ("dem", "invalid choice: 'dem'"),
        ("demo --frame", "expected one argument"),
        *((f"demo --frames={value}", f"'{value}'") for value in ("0", "-3", "2.5", "x", "")),
        *((f"bench --size={value}", "1280x720") for value in ("10", "10x", "x10", "axb", "0x5", "1x2x3", "-1x5", "")),
        ("bench --article=-1", "'-1'"),
        ("bench --frames=0", "'0'"),
        ("bench --input-size=0", "'0'"),
        ("bench --effect sepia", "'sepia'"),
        ("bench --precision int8", "'int8'"),
        ("blur talk.mp4", "DST"),
        ("blur a.mp4 b.mp4 --sigma strong", "'strong'"),
        ("blur a.mp4 b.mp4 --force --skip-existing", "not allowed with"),
        ("blur a.mp4 b.mp4 --crf good", "'good'"),
        ("cutout a.mp4 b.webm --codec h264", "'h264'"),
        ("substitute a.mp4 b.mp4", "--background"),
        ("substitute a.mp4 b.mp4 --background red --fit crop", "'crop'"),
        ("fetch", "NAME"),
    ],
)
def test_wrong_arguments_are_named(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refused(line, capsys)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_and_each_of_them_is_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    examples = [line.strip() for line in shown.partition("examples:")[2].splitlines() if line.startswith("  seglib ")]
    assert examples
    for example in examples:
        arguments = shlex.split(example.partition(" > ")[0])[1:]
        assert make_parser().parse_args(arguments).command == arguments[0]
        assert command in ("", arguments[0])


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"seglib {seglib.__version__}\n"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt, 130, "stopped"),
        (OSError("cannot write"), 1, "seglib: cannot write"),
        (OSError(errno.ENOSPC, "No space left on device", "a.mp4"), 1, "seglib: a.mp4: No space left on device"),
    ],
)
def test_what_stops_a_command_is_one_line(
    error: BaseException | type[BaseException],
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(options: object) -> int:
        raise error

    monkeypatch.setattr("seglib.cli.commands.list_models", stop)
    assert main(["models"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(words)


def test_a_reader_that_stops_ends_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop(options: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("seglib.cli.commands.list_models", stop)
    with (tmp_path / "out").open("w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["models"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="closes a pipe as POSIX does")
def test_a_reader_that_stops_gets_no_traceback() -> None:
    command = [sys.executable, "-m", "seglib", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""


def test_help_does_not_wait_for_pytorch_or_opencv() -> None:
    code = "import sys, seglib.__main__; print({'torch', 'cv2', 'numpy', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
