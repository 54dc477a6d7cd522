"""Is this machine ready? ``python -m seglib doctor``, or ``seglib.check_machine()`` in a notebook.

Every check runs in a Python of its own, so that a broken package can end that one and no other: see ``apart``.
"""
