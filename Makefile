# make demo    sets everything up and answers a question from sample_docs/
# make test    sets everything up and runs the tests
# make check   format, lint, types
# make bench   latency and answers on the sample questions (EVAL=folder adds the public sets)

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= ./.demo

.PHONY: demo test check format bench models clean

# The environment is complete when the stamp is there; a stopped installation is taken up again.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("kb needs Python 3.11 or later; say PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

models: $(VENV)/.installed
	$(BIN)/kb models pull

demo: models
	$(BIN)/kb ingest sample_docs --kb $(DEMO)
	$(BIN)/kb ask "what was the Q3 decision" --kb $(DEMO)

# The tests that are not about answers use the small model.
test: models
	$(BIN)/kb models pull qwen2.5-coder-0.5b
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: models
	$(BIN)/python -m benchmarks.latency . .bench --write
	$(BIN)/python -m benchmarks.answers . .bench --sets sample_docs --write
	test -z "$(EVAL)" || $(BIN)/python -m benchmarks.retrieval $(EVAL) .bench --write
	test -z "$(EVAL)" || $(BIN)/python -m benchmarks.conversations $(EVAL) .bench/conversations --write
	test -z "$(EVAL)" || $(BIN)/python -m benchmarks.answers $(EVAL) .bench --limit 100 --write

clean:
	rm -rf $(VENV) $(DEMO) .bench build *.egg-info
