"""Is this machine ready? ``python -m seglib doctor``, or ``seglib.check_machine()`` in a notebook.

``command`` starts ``child_process``, which runs the checks of ``machine``, ``packages``, ``devices`` and ``models`` in
another Python, so that a broken package cannot end this one. ``report`` shows what they find; ``page`` lets a notebook
page say whether widgets work in it.
"""
