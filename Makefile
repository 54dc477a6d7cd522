# Two commands: `make lab` opens the tutorial, `make test` runs every test. Both set up .venv the first time.
# Without make (Windows): the plain command of every target is shown by `make help` and in the README.
# ARGS goes on to the command: make lab ARGS="--port 9000", make test ARGS="-k blur"
# PYTHON names another Python, 3.11 or newer: make lab PYTHON=python3.12

RUN = PYTHON="$(PYTHON)" sh recipes/python.sh
NBVAL = --nbval --nbval-current-env --nbval-cell-timeout 120 --nbval-sanitize-with tests/nbval_sanitize.cfg

.DEFAULT_GOAL := help
.PHONY: help lab demo test test-browser test-slow bench notebooks check clean

help: ## this list, with the plain commands (python is the environment's own)
	@sed -n -e 's/^\([a-z-]*\):.*## \(.*\)/make \1#\2/p' -e 's/^#  \$$ /#\$$ /p' Makefile | awk -F'#' '{printf "%-18s %s\n", $$1, $$2}'

lab: ## open the tutorial in JupyterLab
#  $ jupyter lab notebooks
	@$(RUN) recipes/lab.py $(ARGS)

demo: ## blur and replace the recorded clip, no browser needed; files go to out/
#  $ python -m seglib demo
	@$(RUN) -m seglib demo $(ARGS)

test: ## every test and every notebook, offline, on the recorded frame
#  $ python -m pytest tests notebooks -m "not slow and not browser" --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg
	@$(RUN) -m pytest tests notebooks -m "not slow and not browser" $(NBVAL) $(ARGS)

test-browser: ## the widgets in a real Chromium; its pictures of the pages go to out/browser
#  $ python -m pytest tests/browser -m "browser and not slow"
	@$(RUN) -m pytest tests/browser -m "browser and not slow" $(ARGS)

test-slow: ## soaks and long fuzzing
#  $ python -m pytest tests -m slow
	@$(RUN) -m pytest tests -m slow $(ARGS)

bench: ## time each stage (python -m seglib bench measures the whole walk)
#  $ python -m pytest tests/benchmarks/bench_stages.py
	@$(RUN) -m pytest tests/benchmarks/bench_stages.py $(ARGS)

notebooks: ## run every notebook from a clean kernel and keep its outputs
#  $ python recipes/remake_notebooks.py
	@$(RUN) recipes/remake_notebooks.py $(ARGS)

check: export EXTRA = check
check: ## lint, formatting and types
#  $ python -m ruff check . && python -m ruff format --check . && python -m mypy
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

clean: ## remove .venv, caches and out/
	rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist seglib.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
