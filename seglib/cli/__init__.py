"""The command line: ``python -m seglib --help``.

``parser`` reads the arguments. ``commands`` makes files: ``paths`` decides which file becomes which, ``batch`` makes
them. ``bundle`` fills a USB stick, ``demo`` shows the pipeline, ``bench`` measures it, ``doctor`` checks the machine,
``progress`` reads the notebooks' exercises; ``plural`` is for their sentences.
"""
