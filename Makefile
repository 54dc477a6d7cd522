# Two commands: `make lab` opens the tutorial, `make test` runs every test. Both set up .venv the first time.
# Without make (Windows): the plain command of every target is shown by `make help` and in the README.
# ARGS goes on to the command: make lab ARGS="--port 9000", make test ARGS="-k blur"
# PYTHON names another Python, 3.11 or newer: make lab PYTHON=python3.12

RUN = PYTHON="$(PYTHON)" sh recipes/python.sh

.DEFAULT_GOAL := help
.PHONY: help lab demo test test-browser test-browsers test-slow bench notebooks docs check check-js check-wheel clean

help: ## this list, with the plain commands (python is the environment's own)
	@sed -n -e 's/^\([a-z-]*\):.*## \(.*\)/make \1#\2/p' -e 's/^#  \$$ /#\$$ /p' Makefile | awk -F'#' '{printf "%-18s %s\n", $$1, $$2}'

lab: ## open the tutorial in JupyterLab
#  $ jupyter lab notebooks
	@$(RUN) recipes/lab.py $(ARGS)

demo: ## blur and replace the recorded clip, no browser needed; files go to out/
#  $ python -m seglib demo
	@$(RUN) -m seglib demo $(ARGS)

test: ## every test and every notebook, offline, on the recorded frame
#  $ python -m pytest
	@$(RUN) -m pytest $(ARGS)

test-browser: ## the widgets in a real Chromium; its pictures of the pages go to out/browser
#  $ python -m pytest tests/browser -m "browser and not slow"
	@$(RUN) -m pytest tests/browser -m "browser and not slow" $(ARGS)

test-browsers: ## the same in Firefox, WebKitGTK, Notebook 7 and nbclassic, as far as they are installed
#  $ python -m pytest tests/browser -m browser -k other_browsers -rs
	@$(RUN) -m pytest tests/browser -m browser -k other_browsers -rs $(ARGS)

test-slow: ## soaks and long fuzzing
#  $ python -m pytest tests -m slow
	@$(RUN) -m pytest tests -m slow $(ARGS)

bench: ## time each stage (python -m seglib bench measures the whole walk)
#  $ python -m pytest tests/benchmarks/bench_stages.py
	@$(RUN) -m pytest tests/benchmarks/bench_stages.py $(ARGS)

notebooks: ## run every notebook from a clean kernel and keep its outputs
#  $ python recipes/remake_notebooks.py
	@$(RUN) recipes/remake_notebooks.py $(ARGS)

docs: export EXTRA = docs
docs: ## build the site into out/site; npm ci first lets it run the model in a browser
#  $ npm ci && python docs/build.py
	@! command -v npm >/dev/null || [ -d node_modules/onnxruntime-web ] || npm ci --silent
	@$(RUN) docs/build.py $(ARGS)

check: export EXTRA = check
check: ## lint, formatting, types, imports, dependencies, spelling
#  $ python -m ruff check . && python -m ruff format --check . && python -m mypy && lint-imports && deptry . && codespell
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@$(RUN) -m deptry .
	@$(RUN) -m codespell_lib

check-js: ## lint, types and tests of the JavaScript, where Node.js is
#  $ npm ci && npm run check
	npm ci --silent && npm run --silent check

check-wheel: export EXTRA = check
check-wheel: ## build wheel and sdist, install each and use it from another folder
#  $ python recipes/check_wheel.py
	@$(RUN) recipes/check_wheel.py

clean: ## remove .venv, caches and out/
	rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist seglib.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
