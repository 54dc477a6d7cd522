"""A button for a picture file of the person at the page; the page's side is ``upload.js``.

ipywidgets' own sends the whole file in one message, and Jupyter ends a connection whose message is over 10 MB.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from seglib._internal.javascript import bundle
from seglib.arrays import Frame
from seglib.images import read_image


class PictureUpload(anywidget.AnyWidget):
    """A button that asks for a picture file. The page shrinks a large one to at most 1920 pixels.

    Parameters
    ----------
    on_picture
        Called with the picture, (H, W, 3) uint8 RGB, and a remark on it, or "".
    on_error
        Called with a sentence that tells why a file is refused.
    description, tooltip
        Texts of the button.
    """

    _esm = bundle(Path(__file__).with_suffix(".js"))
    _css = ".seglib-upload button { width: 100%; margin: 2px 0; } .seglib-upload i { margin-right: 6px; }"
    description = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, on_picture: Callable[[Frame, str], object], on_error: Callable[[str], object], **texts: Any
    ) -> None:
        super().__init__(**texts)
        self._on_picture, self._on_error = on_picture, on_error
        self.on_msg(self._receive)

    def _receive(self, _: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        if content.get("kind") == "refused":
            self._on_error(str(content.get("text")))
            return
        name = Path(str(content.get("name"))).name or "picture"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            try:
                path.write_bytes(buffers[0])
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    picture = read_image(path)
            except Exception as error:
                self._on_error(str(error).replace(str(path), name))
                return
        remarks = [str(content.get("remark", "")), *(str(warning.message) for warning in caught)]
        self._on_picture(picture, " ".join(filter(None, remarks)).replace(str(path), name))
