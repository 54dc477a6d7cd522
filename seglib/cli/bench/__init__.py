"""How fast is this machine? ``python -m seglib bench``.

``command`` runs the command. ``measure`` times the stages of the pipeline, ``article`` those of the article's loop;
``child_process`` runs each in a process of its own, and ``report`` writes the result as text and as a chart.
"""

from seglib.cli.bench.measure import BenchOptions, measure_pipeline

__all__ = ["BenchOptions", "measure_pipeline"]
