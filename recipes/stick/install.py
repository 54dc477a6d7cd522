"""Install the tutorial from this folder, without a network: python install.py [FOLDER].

The default FOLDER is seglib-tutorial in your home folder. Running it again completes or repairs an installation, and
never replaces a notebook that you have changed. `python -m seglib bundle` put this file here.
"""

# Even an old Python must be able to run this and say which one is needed: no syntax newer than Python 3.6.
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WINDOWS = os.name == "nt"


def main(arguments):
    """Run all steps; returns the exit code."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    with open(os.path.join(HERE, "bundle.json"), encoding="utf-8") as file:
        bundle = json.load(file)
    name = "cp{}{}-{}-{}".format(*sys.version_info[:2], platform.system(), platform.machine()).lower()
    if name not in bundle["systems"]:
        return another_python(bundle["systems"], arguments)
    default = os.path.join(os.path.expanduser("~"), "seglib-tutorial")
    target = os.path.abspath(arguments[0] if arguments else default)
    print(f"Installing the tutorial into {target}, without a network.", flush=True)
    damaged = compare(bundle["files"], name)
    if damaged:
        print("These files are damaged; copy the folder again:")
        print("\n".join("  " + path for path in damaged))
        return 1
    python = install_packages(os.path.join(HERE, "wheels", name), target)
    kept = copy_tutorial(os.path.join(HERE, "tutorial"), target)
    copy_weights(os.path.join(HERE, "weights"), python, target)
    start = write_start(target)
    if kept:
        print("Kept, because you have changed them: {}. The originals are in {}.".format(", ".join(kept), HERE))
    print("Is this machine ready?", flush=True)
    code = subprocess.call([python, "-m", "seglib", "doctor"], cwd=target)
    print(f"\nTo begin: {start}")
    return code


def another_python(systems, arguments):
    """Continue with the Python that the packages are for, or say which one is needed; returns the exit code."""
    here = f"{platform.system()}-{platform.machine()}".lower()
    versions = ["3." + name.split("-")[0][3:] for name in systems if name.split("-", 1)[1] == here]
    if os.environ.get("SEGLIB_INSTALL_TRIED"):
        versions = []  # that program is another version than its name says
    for version in versions:
        program = ["py", "-" + version] if WINDOWS else ["python" + version]
        if shutil.which(program[0]) and subprocess.call([*program, "-c", ""]) == 0:
            command = [*program, os.path.abspath(__file__), *arguments]
            return subprocess.call(command, env=dict(os.environ, SEGLIB_INSTALL_TRIED="1"))
    print(f"This is Python {platform.python_version()} on {here}.")
    if versions:
        print(f"The packages in this folder are for Python {versions[0]}. Install that one, then try again.")
    else:
        print("The packages in this folder are for {}, so they do not fit.".format(", ".join(systems)))
    return 1


def compare(files, name):
    """The files that have changed since this folder was made, without the packages of other systems."""
    damaged = []
    for path, expected in sorted(files.items()):
        if path.startswith("wheels/") and not path.startswith("wheels/" + name + "/"):
            continue
        digest = hashlib.sha256()
        try:
            with open(os.path.join(HERE, *path.split("/")), "rb") as file:
                for block in iter(lambda: file.read(2**20), b""):
                    digest.update(block)
        except OSError:
            damaged.append(path)
            continue
        if digest.hexdigest() != expected:
            damaged.append(path)
    return damaged


def install_packages(wheels, target):
    """A virtual environment in the target with all packages; returns its Python."""
    folder = os.path.join(target, ".venv")
    python = os.path.join(folder, *(["Scripts", "python.exe"] if WINDOWS else ["bin", "python"]))
    fresh = not os.path.exists(python)
    if fresh:
        subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", folder])
    pip = next(name for name in os.listdir(wheels) if name.startswith("pip-"))
    # pip runs from its own wheel, since the Python of some systems has no pip.
    command = [python, os.path.join(wheels, pip, "pip"), "--isolated", "--disable-pip-version-check", "install"]
    command += ["--no-index", "--find-links", wheels, "-c", os.path.join(wheels, "constraints.txt")]
    subprocess.check_call([*command, "--quiet", "--no-warn-script-location", "pip", "seglib"])
    if not fresh:  # a newer seglib of the same version number replaces an older one
        subprocess.check_call([*command, "--quiet", "--no-deps", "--force-reinstall", "seglib"])
    return python


def copy_tutorial(source, target):
    """Copy the files that do not exist yet; returns the names of those that exist and differ."""
    kept = []
    for folder, _, names in os.walk(source):
        place = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(place, exist_ok=True)
        for name in names:
            old, new = os.path.join(place, name), os.path.join(folder, name)
            if not os.path.exists(old):
                shutil.copyfile(new, old)
            elif contents(old) != contents(new):
                kept.append(os.path.relpath(old, target))
    return kept


def contents(path):
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def copy_weights(source, python, target):
    """Copy the weights to the cache, where seglib looks for downloads."""
    if not os.path.isdir(source):
        return
    ask = "from seglib.predict.weights import cache_folder; print(cache_folder())"
    cache = subprocess.check_output([python, "-c", ask], cwd=target, universal_newlines=True).strip()
    os.makedirs(cache, exist_ok=True)
    for name in os.listdir(source):
        if not os.path.exists(os.path.join(cache, name)):
            shutil.copyfile(os.path.join(source, name), os.path.join(cache, name + ".part"))
            os.replace(os.path.join(cache, name + ".part"), os.path.join(cache, name))


def write_start(target):
    """Write a script that opens the tutorial; returns the command."""
    path = os.path.join(target, "start.bat" if WINDOWS else "start.sh")
    if WINDOWS:
        lines = ["@echo off", 'cd /d "%~dp0"', r".venv\Scripts\python.exe recipes\lab.py %*", "if errorlevel 1 pause"]
    else:
        lines = ["#!/bin/sh", 'cd "$(dirname "$0")" && exec .venv/bin/python recipes/lab.py "$@"']
    with open(path, "w", encoding="utf-8", newline="\r\n" if WINDOWS else "\n") as file:
        file.write("\n".join(lines) + "\n")
    os.chmod(path, 0o755)
    return path if WINDOWS else f'sh "{path}"'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
