"""The command line: ``python -m seglib --help``.

``commands`` does what the subcommands ask, ``batch`` many files, ``paths`` decides which file becomes which, ``bundle``
packs a USB stick, ``demo`` shows the whole walk, ``bench`` measures it, and ``doctor`` checks this machine.
"""
