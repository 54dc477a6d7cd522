"""One JavaScript file out of several: a widget of anywidget loads a single module."""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[^"]+)";\n', re.MULTILINE)


def bundle(path: Path) -> str:
    """Return the text of a module with the modules that it imports by relative path in place of the imports.

    Parameters
    ----------
    path
        A module. What it imports must not be renamed (``import {a as b}``), and names must differ between the modules.
    """
    texts: dict[Path, str] = {}

    def add(module: Path) -> None:
        text = module.read_text(encoding="utf-8")
        for relative in _IMPORT.findall(text):
            imported = (module.parent / relative).resolve()
            if imported not in texts:
                add(imported)
        texts[module] = _IMPORT.sub("", text)

    add(path.resolve())
    *imported, last = texts.values()
    return "".join(re.sub(r"^export ", "", text, flags=re.MULTILINE) for text in imported) + last
