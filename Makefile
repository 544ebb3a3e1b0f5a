# What a person types. `make` lists it. All of it but `images` runs in .venv, which is made on first use and made
# again when uv.lock or pyproject.toml change; nothing outside this folder is touched.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
UV := .tools/uv/bin/uv
READY := .venv/.ready
TESTS ?= tests
CARDS := docs/models
PORT ?=

# No usage reports: ONNX Runtime and MLflow.
export ORT_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := true

# A folder that was moved or copied needs a new .venv: the old one holds its old path.
ifneq "$(shell cat $(READY) 2>/dev/null)" "$(CURDIR)"
.PHONY: $(READY)
endif

.PHONY: help setup demo next test lint format compile golden stubs cards cards-check data bench bench-models bench-features bench-growth bench-serving bench-soak bench-judge bench-season bench-stream bench-stream-kills images cluster-test serve ui clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## install everything, locked, into .venv (the other targets do this by themselves)
	@:

$(READY): pyproject.toml uv.lock scripts/setup.sh
	@sh scripts/setup.sh

demo: $(READY) ## the main job, from nothing to a served forecast (AS_OF=2026-03-01 SCENE=name PORT=8080)
	@$(BIN)/matchday demo $${AS_OF:+--as-of "$$AS_OF"} $${SCENE:+--scene "$$SCENE"} $${PORT:+--port "$$PORT"}

next: $(READY) ## forecast the coming gameweek: fetch what is new, features, the latest champion (WEEKS=1)
	@$(BIN)/matchday next $${WEEKS:+--weeks "$$WEEKS"}

test: $(READY) ## every test, on two processes (TESTS=path for some; COVERAGE=1 measures branches)
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder $${COVERAGE:+--cov --cov-report=} $(TESTS)

lint: $(READY) ## formatting, rules, types, the rooms' borders, the lock file, the compiled pipelines
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo "lint: not formatted; run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(UV) lock --check --offline --quiet || { echo "lint: uv.lock is behind pyproject.toml; run: $(UV) lock" >&2; exit 1; }
	@$(BIN)/matchday pipeline compile --check

format: $(READY) ## rewrite the code as the formatter wants it, and mend what can be mended
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

compile: $(READY) ## compile the pipelines to pipelines/compiled/
	@$(BIN)/matchday pipeline compile

golden: $(READY) ## render the chart and the overlays anew into tests/charts/golden/
	@$(BIN)/python -m tests.charts.golden

stubs: $(READY) ## generate the messages of gRPC from serving/grpc/open_inference.proto
	@sh scripts/stubs.sh

cards: $(READY) ## backtest both models and write their cards to docs/models/: ten minutes
	@$(BIN)/matchday backtest outcome --card $(CARDS)/match-outcome.md
	@$(BIN)/matchday backtest points --card $(CARDS)/player-points.md

cards-check: $(READY) ## write the cards anew and compare (that of player-points from its scores, without its backtest)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  $(BIN)/matchday backtest outcome --card "$$folder/match-outcome.md" >/dev/null && \
	  $(BIN)/matchday backtest points --card "$$folder/player-points.md" --scores $(CARDS)/player-points.json >/dev/null && \
	  for card in "$$folder"/*; do \
	    diff -u "$(CARDS)/$$(basename "$$card")" "$$card" || { echo "cards-check: run: make cards" >&2; exit 1; }; \
	  done

data: $(READY) ## rebuild the bundled history from its source
	@$(BIN)/matchday data build

bench: $(READY) ## measure the main job: time, memory, rows
	@$(BIN)/python -m benchmarks.demo

bench-models: $(READY) ## both models over past seasons, beside the bars: ten minutes (ONLY=outcome for one minute)
	@$(BIN)/python -m benchmarks.models $${ONLY:+--only "$$ONLY"}

bench-features: $(READY) ## measure features, online and offline, beside Feast and redis-py
	@$(BIN)/python -m benchmarks.features

bench-growth: $(READY) ## measure the join of ten million rows by Daft: memory stays flat (2 GB of temporary files)
	@$(BIN)/python -m benchmarks.features.growth

bench-serving: $(READY) ## measure the model server beside its peers: 10 minutes (ROUNDS=3 EACH=6 ONLY=names)
	@$(BIN)/python -m benchmarks.serving $${ROUNDS:+--rounds "$$ROUNDS"} $${EACH:+--seconds "$$EACH"} $${ONLY:+--only "$$ONLY"}

bench-soak: $(READY) ## the model server at half its capacity: errors, memory (MINUTES=9)
	@$(BIN)/python -m benchmarks.serving.soak $${MINUTES:+--minutes "$$MINUTES"}

bench-judge: $(READY) ## the judge of rollouts on a thousand simulated ones a cell, beside fixed thresholds (QUICK=1 for sixty)
	@$(BIN)/python -m benchmarks.judge $${QUICK:+--quick}

bench-season: $(READY) ## measure updates from live sources against a stand-in, and a whole season of them
	@$(BIN)/python -m benchmarks.season

bench-stream: $(READY) ## measure the stream through a real Kafka into Redis and SQLite: 6 minutes
	@$(BIN)/python -m benchmarks.stream

bench-stream-kills: $(READY) ## kill the stream's processor a thousand times, compare every value: 30 minutes (KILLS=1000)
	@$(BIN)/python -m benchmarks.stream.kills $${KILLS:+--kills "$$KILLS"}

images: ## build the container images with docker, podman or buildah (BUILDER=name BASE=image)
	@sh scripts/images.sh

cluster-test: $(READY) ## the chart on the cluster that KUBECONFIG names, from images to uninstall
	@$(BIN)/python -m tests.cluster $${KEEP:+--keep} $${BUILT:+--built}

serve: $(READY) ## serve the champion model over HTTP (PORT=8080)
	@$(BIN)/matchday serve $${PORT:+--port "$$PORT"}

ui: $(READY) ## open MLflow on the runs and models of this machine (PORT=5000)
	@$(BIN)/mlflow ui --port "$${PORT:-5000}" --backend-store-uri \
	  "$$($(BIN)/python -c 'from matchday.settings import Settings; print(Settings().tracking_uri)')"

clean: ## delete what runs have made (data, models, logs); what was collected from live sources stays
	@for one in .matchday/* .matchday/.[!.]*; do [ "$$one" = .matchday/collected ] || rm -rf "$$one"; done
	@[ ! -d .matchday ] || rmdir .matchday 2>/dev/null || true
