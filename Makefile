PYTHON ?= python3
BIN = .venv/bin
DEMO = demo.sqlite

.PHONY: demo test crawl browse bench bench-clean bench-archive bench-forms bench-browse bench-growth soak year lint clean

demo: .venv/run  ## crawl two days of an invented county, served on loopback
	$(BIN)/gongkai demo --archive $(DEMO)

test: .venv/dev .venv/next lint  ## lint, types, README, tests
	$(BIN)/pytest -n 4  # two a core: crawls wait more than they work

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cog --check README.md

crawl: .venv/run  ## crawl the real sources
	$(BIN)/gongkai crawl

browse: .venv/run  ## open the demo's archive, or ARCHIVE=…, in Datasette
	$(BIN)/gongkai browse --archive $(or $(ARCHIVE),$(DEMO))

bench: .venv/dev  ## measure against plain Scrapy and trafilatura, and a run over 2,000 hosts
	$(BIN)/python tests/bench
	$(BIN)/python tests/bench/hosts.py

bench-clean: .venv/dev  ## measure cleaning against well-known extractors
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python tests/bench_clean
	$(BIN)/python tests/bench_clean/growth.py

bench-archive: .venv/dev  ## measure storage against WARC.gz, and a second crawl against the first
	$(BIN)/python tests/bench_archive
	$(BIN)/python tests/bench_archive/second_crawl.py

bench-forms: .venv/dev  ## measure the reading of statistics: time, memory, and every form in every layout
	$(BIN)/python tests/bench_forms
	$(BIN)/python tests/bench_forms/layouts.py

bench-browse: .venv/dev  ## measure searching against LIKE, and a big archive's pages beside a crawl
	$(BIN)/python tests/bench_browse
	$(BIN)/python tests/bench_browse/beside.py

bench-growth: .venv/dev  ## measure what growing archives cost
	$(BIN)/python tests/bench_growth

soak: .venv/dev  ## the long trials
	GONGKAI_SOAK=1 $(BIN)/pytest -n auto -m soak

year: .venv/dev  ## a year of daily crawls of 300 sites with faults of theirs and ours; up to an hour
	PYTHONPATH=tests $(BIN)/python -m year

clean:
	rm -rf .venv build *.egg-info

.venv/run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/dev: .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/next: constraints-next.txt .venv/run  # beside the Datasette that we use, for one test
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $@ --requirement constraints-next.txt
	touch $@
