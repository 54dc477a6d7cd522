"""What stands in the place of the widget where it has no kernel: a picture and a sentence.

A page that finds no kernel for a widget says "model not found". So a second output follows the widget's, and a style
sheet shows one of them: the widget if it is there, else this one.
"""

from base64 import b64encode
from pathlib import Path

_STYLE = """
.jp-OutputArea-child:has(.widget-box) + .jp-OutputArea-child .seglib-still,
.jp-OutputArea-child:not(:has(.widget-box)):has(+ .jp-OutputArea-child .seglib-still) { display: none }
.seglib-still { animation: seglib-still 3s step-end }
@keyframes seglib-still { from { visibility: hidden } }
"""  # three seconds, in which the widget comes if there is a kernel
_ALT = "An astronaut before a blurred background; beside it the mask, white where she is"
_SENTENCE = "The live picture needs a running kernel: run this cell, then press Start."


def still_html() -> str:
    """Return the recorded frame with its background blurred, and what to do, as HTML that is the same in every run."""
    jpeg = b64encode(Path(__file__).with_name("still.jpg").read_bytes()).decode()
    picture = f'<img src="data:image/jpeg;base64,{jpeg}" alt="{_ALT}" width="640">'
    return f'<style>{_STYLE}</style><div class="seglib-still">{picture}<p>{_SENTENCE}</p></div>'
