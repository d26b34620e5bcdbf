# Ripeline. Bare `make` prints this menu; every target sets up what it needs by itself.
PYTHON ?= python3
VENV ?= .venv
CONFIG ?= training/default.yaml
MODEL ?= artefacts/champion
REPORT ?= artefacts/report.html
LOADING = artefacts/loading
HOST ?= 127.0.0.1
PORT ?= 3000
KEYS ?= keys.json
AUDIT ?= artefacts/audit
CHALLENGER ?= artefacts/challenger
SCOPES ?= score
RATE ?= 100
DATA ?= ../shared/data
RUN = $(VENV)/bin/python
ifndef STORE
STORE := $(or $(RIPELINE_STORE),sqlite:///artefacts/leads.db)
endif
# by the environment, not as an argument: an address may hold a password, and arguments are seen by everybody
serve settings load export work-list retain erase: export RIPELINE_STORE := $(STORE)
SERVER = $(if $(filter no,$(STORE)),env -u RIPELINE_STORE) $(RUN) -m serving
SERVED = --model $(MODEL) --report $(REPORT) $(if $(filter yes,$(SHADOW)),--shadow $(CHALLENGER)) $(if $(filter file,$(origin KEYS)),,--keys $(KEYS)) $(if $(filter no,$(AUDIT)),,--audit $(AUDIT)) $(if $(WORKERS),--workers $(WORKERS))
# the CRM targets take CONFIG only where it is given: without, it is <crm>.yaml
CRM_CONFIG = $(if $(filter command environment override,$(firstword $(origin CONFIG))),--config $(CONFIG))
CRM_NAMED = $(if $(CRM),,echo "Name the CRM: CRM=hubspot, salesforce, marketo or pipedrive"; exit 2;)

export MLFLOW_DISABLE_TELEMETRY = true
export BENTOML_DO_NOT_TRACK = True
export DO_NOT_TRACK = 1

.DEFAULT_GOAL := help
.PHONY: bench-learning settings golden train-all bench-clients partition bench-scale load export retain erase bench-store audit-trail audit-dependencies bench-overload soak follow key keys revoke-key bench-serving live csv-check crm-check import write-back bench-crm bench-pages work-list rules-check compare scorecard rules-from-hubspot rules-to-hubspot help setup setup-dev setup-bench train score fetch serve bento promote mlflow dataset audit test test-slow check format bench bench-features bench-train bench-quality bench-honesty lock clean

help:  ## this menu
	@echo "Ripeline: predictive lead scoring. Targets:"
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup:
	@$(PYTHON) requirements/setup_venv.py $(VENV) train

setup-dev:
	@$(PYTHON) requirements/setup_venv.py $(VENV) dev

setup-bench:
	@$(PYTHON) requirements/setup_venv.py $(VENV) bench

train: setup  ## train, evaluate, log to MLflow and register  [CONFIG=my.yaml] [FOLDER=where the files are]
	@$(RUN) -m training train --config $(CONFIG) $(if $(FOLDER),--folder $(FOLDER))

train-all: setup  ## train many clients side by side, with one summary  CONFIGS='clients/*.yaml' [POOL=yes or no] [AGAIN=yes] [MEMORY=16GiB]
	@$(if $(CONFIGS),,echo "Name the configurations: make train-all CONFIGS='clients/*.yaml'"; exit 2;) $(RUN) -m training train-all $(CONFIGS) $(if $(filter yes,$(POOL)),--pool) $(if $(filter no,$(POOL)),--no-pool) $(if $(filter yes,$(AGAIN)),--again) $(if $(MEMORY),--memory $(MEMORY))

score: setup  ## score every open lead  OUT=scores.csv [CONFIG=…] [IN=dataset folder] [AS_OF=2026-06-30] [PREVIOUS=earlier.csv]
	@$(if $(OUT),,echo "Name the file: make score OUT=scores.csv"; exit 2;) $(RUN) -m training score --config $(CONFIG) --out $(OUT) $(if $(IN),--in $(IN)) $(if $(AS_OF),--as-of $(AS_OF)) $(if $(PREVIOUS),--previous $(PREVIOUS))

partition: setup  ## cut a dataset of any size into sorted buckets of whole accounts  OUT=folder [CONFIG=…] [ADD=dataset folder of a day]
	@$(if $(OUT),,echo "Name the folder: make partition OUT=data/buckets"; exit 2;) $(RUN) -m training partition --config $(CONFIG) --out $(OUT) $(if $(ADD),--add $(ADD)) $(if $(FOLDER),--folder $(FOLDER))

serve: setup  ## serve the champion, its report and the lead store  [CONFIG=…] [HOST=127.0.0.1] [PORT=3000] [STORE=sqlite:///… or no] [SHADOW=yes] [WORKERS=1] [AUDIT=no]
	@$(if $(filter yes,$(SHADOW)),$(RUN) -m training fetch --config $(CONFIG) --to $(CHALLENGER) --alias challenger)
	@$(RUN) -m training fetch --config $(CONFIG) --to $(MODEL) --report $(REPORT)
	@$(if $(filter no,$(STORE)),,if $(RUN) -m serving.store empty; then ($(MAKE) --no-print-directory load 2>&1 | cat) & fi;) \
	exec $(SERVER) $(SERVED) --host $(HOST) --port $(PORT)

settings: setup  ## the settings of training and of `make serve`, and where each comes from  [as for `make serve`]
	@$(RUN) -m training settings && echo && $(SERVER) settings $(SERVED)

load: setup  ## a dataset into the lead store; what is there stays  [CONFIG=…] [STORE=sqlite:///artefacts/leads.db]
	@rm -rf $(LOADING); $(RUN) -m serving.store load --in $(LOADING) -- $(RUN) -m training dataset --config $(CONFIG) --out $(LOADING) $(if $(FOLDER),--folder $(FOLDER)); status=$$?; rm -rf $(LOADING); exit $$status

export: setup  ## the lead store as a dataset, for `dataset:` of a configuration  OUT=folder [STORE=…]
	@$(if $(OUT),,echo "Name the folder: make export OUT=data/store"; exit 2;) $(RUN) -m serving.store export --out $(OUT)

# a folder of a work list, as an older Ripeline wrote it, names people and is read by nobody
erase: setup  ## remove a person everywhere, and prove it  LEAD=… [CONFIG=…] [STORE=… or no] [ALSO="scores.csv logs"]
	@$(if $(LEAD),,echo "Name the lead: make erase LEAD=L-1"; exit 2;) rm -rf artefacts/work_list; status=0; $(if $(filter no,$(STORE)),,$(RUN) -m serving.store erase --lead '$(LEAD)' || status=1;) \
	$(RUN) -m training erase --config $(CONFIG) --lead '$(LEAD)' --report $(REPORT) $(foreach one,$(ALSO),--also $(one)) || status=1; exit $$status

retain: setup  ## delete from the lead store what is kept too long, as RIPELINE_RETENTION_DAYS says  [STORE=…]
	@$(RUN) -m serving.store retain $(if $(wildcard $(MODEL)),--model $(MODEL))

follow: setup  ## fetch the champion again whenever it changes in MLflow; a running server takes it over  [CONFIG=…] [EVERY=60]
	@$(RUN) -m training follow --config $(CONFIG) --to $(MODEL) --report $(REPORT) $(if $(EVERY),--every $(EVERY))

key: setup  ## make an API key and show it once  NAME=crm [SCOPES=score,write,admin] [RATE=100] [DAYS=90] [KEYS=keys.json]
	@$(RUN) -m serving.access.api_keys --file $(KEYS) add "$(NAME)" --scopes $(SCOPES) --rate $(RATE) $(if $(DAYS),--days $(DAYS))

keys: setup  ## all API keys, without what they are  [KEYS=keys.json]
	@$(RUN) -m serving.access.api_keys --file $(KEYS) list

revoke-key: setup  ## take an API key away; a running server knows at once  ID=… [KEYS=keys.json]
	@$(RUN) -m serving.access.api_keys --file $(KEYS) revoke "$(ID)"

audit-trail: setup  ## say whether the audit trail is whole; who asked about a lead  [LEAD=L-1] [AUDIT=artefacts/audit]
	@$(RUN) -m serving.logs.audit_cli --folder $(AUDIT) $(if $(LEAD),find --lead "$(LEAD)",verify)

work-list: setup  ## the work list of the lead store as a CSV file  OUT=list.csv [STORE=…]
	@$(if $(OUT),,echo "Name the file: make work-list OUT=list.csv"; exit 2;) $(RUN) -m serving.store work-list --out $(OUT)

fetch: setup  ## fetch the champion as a model folder  [CONFIG=…] [MODEL=artefacts/champion]
	@$(RUN) -m training fetch --config $(CONFIG) --to $(MODEL)

bento: setup  ## build a Bento that starts without MLflow at hand  [CONFIG=…]
	@$(RUN) -m training fetch --config $(CONFIG) --to $(MODEL)
	@$(RUN) -m serving.server.bento --model $(MODEL)

promote: setup  ## make a version the champion by hand  VERSION=3 [CONFIG=…]
	@$(if $(VERSION),,echo "Name the version: make promote VERSION=3"; exit 2;) $(RUN) -m training promote --config $(CONFIG) --version $(VERSION)

dataset: setup  ## read and validate a source once, write the dataset  OUT=folder [CONFIG=…]
	@$(if $(OUT),,echo "Name the folder: make dataset OUT=data/mine"; exit 2;) $(RUN) -m training dataset --config $(CONFIG) --out $(OUT) $(if $(FOLDER),--folder $(FOLDER))

audit: setup  ## say which columns and interactions know the outcome  [CONFIG=…] [FOLDER=…]
	@$(RUN) -m training audit --config $(CONFIG) $(if $(FOLDER),--folder $(FOLDER))

rules-check: setup  ## check a rules file, with line numbers  RULES=mine.yaml [CONFIG=…]
	@$(if $(RULES),,echo "Name the file: make rules-check RULES=mine.yaml"; exit 2;) $(RUN) -m training rules-check --rules $(RULES) --config $(CONFIG) $(if $(FOLDER),--folder $(FOLDER))

crm-check: setup  ## look at a CRM before anything runs: credentials, permissions, history, limits  CRM=hubspot [CONFIG=…]
	@$(CRM_NAMED) $(RUN) -m training crm-check --crm $(CRM) $(CRM_CONFIG)

import: setup  ## read what is new in a CRM and write the dataset  CRM=hubspot|salesforce|marketo|pipedrive [CONFIG=…]
	@$(CRM_NAMED) $(RUN) -m training import --crm $(CRM) $(CRM_CONFIG)

live: setup  ## import, score and write back what changed, again and again  CRM=salesforce [EVERY=300] [CONFIG=…]
	@$(CRM_NAMED) $(RUN) -m training live --crm $(CRM) $(CRM_CONFIG) $(if $(EVERY),--every $(EVERY))

csv-check: setup  ## say whose exports lie in a folder and propose a configuration  FOLDER=exports [OUT=mine.yaml] [OUTCOME=column]
	@$(if $(FOLDER),,echo "Name the folder: make csv-check FOLDER=exports"; exit 2;) $(RUN) -m training csv-check --folder $(FOLDER) $(if $(OUT),--out $(OUT)) $(if $(OUTCOME),--outcome "$(OUTCOME)")

write-back: setup  ## score the imported leads and say what would be written; SEND=yes writes it  CRM=hubspot [CONFIG=…]
	@$(CRM_NAMED) $(RUN) -m training write-back --crm $(CRM) $(CRM_CONFIG) $(if $(filter yes,$(SEND)),--send)

compare: setup  ## judge changed rules on history, beside the champion  RULES=mine.yaml [CONFIG=…]
	@$(if $(RULES),,echo "Name the file: make compare RULES=mine.yaml"; exit 2;) $(RUN) -m training compare --rules $(RULES) --config $(CONFIG) $(if $(FOLDER),--folder $(FOLDER))

rules-from-hubspot: setup  ## a lead score of HubSpot as a rules file  OUT=rules.yaml [SCORE="Lead score"] [CONFIG=hubspot.yaml]
	@$(if $(OUT),,echo "Name the file: make rules-from-hubspot OUT=rules.yaml"; exit 2;) $(RUN) -m training rules-from-hubspot --out $(OUT) $(if $(SCORE),--score "$(SCORE)") $(CRM_CONFIG)

rules-to-hubspot: setup  ## the draft of a lead score in HubSpot, of a rules file  RULES=learned.yaml NAME="Learned" [SEND=yes] [CONFIG=hubspot.yaml]
	@$(if $(and $(RULES),$(NAME)),,echo "Name both: make rules-to-hubspot RULES=learned.yaml NAME=Learned"; exit 2;) $(RUN) -m training rules-to-hubspot --rules $(RULES) --name "$(NAME)" $(if $(filter yes,$(SEND)),--send) $(CRM_CONFIG)

scorecard: setup  ## learn points from the data, as a rules file  OUT=points.yaml [MOST=15] [CONFIG=…]
	@$(if $(OUT),,echo "Name the file: make scorecard OUT=points.yaml"; exit 2;) $(RUN) -m training scorecard --out $(OUT) --config $(CONFIG) $(if $(MOST),--most $(MOST)) $(if $(FOLDER),--folder $(FOLDER))

mlflow: setup  ## open MLflow's pages on http://127.0.0.1:5000
	@$(RUN) -m mlflow ui --backend-store-uri $${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db} --host 127.0.0.1 --port 5000

test: setup-dev  ## run the tests, a share on each core
	@OMP_NUM_THREADS=1 $(RUN) -m pytest -m "not slow" -n auto --dist worksteal --durations=25

golden: setup-dev  ## make the golden files anew, on purpose: what the product answers is held against them
	@OMP_NUM_THREADS=1 $(RUN) -m tests.golden.make

test-slow: setup-dev  ## run the long tests: known truth, whole runs, real servers; and look deeply where Hypothesis looks
	@HYPOTHESIS_PROFILE=deep $(RUN) -m pytest -m "slow or hypothesis" --durations=25

check: setup-dev  ## lint, format and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

audit-dependencies: setup-dev  ## does anybody know of a hole in what is locked?  [ADVISORIES=URL of an OSV service]
	@$(RUN) requirements/audit.py

format: setup-dev  ## put the code in shape
	@$(RUN) -m ruff check --fix --quiet . ; $(RUN) -m ruff format .

bench: bench-features bench-train  ## all benchmarks but the real data, as ratios measured in one run

bench-features: setup-dev  ## features against polars, DuckDB and pandas  [SIZE=1000000]
	@$(RUN) -m benchmarks.features $(if $(SIZE),--interactions $(SIZE))

bench-train: setup-dev  ## time and memory of the default training
	@$(RUN) -m benchmarks.train

bench-quality: setup-bench  ## every task at every origin against peers; continued where it stopped  [DATA=folder] [TASKS="olist bank"] [ORIGINS="1 3"] [PEERS="blend EBM"] [JOBS=1]
	@$(RUN) -m benchmarks.quality --data $(DATA) $(if $(TASKS),--tasks $(TASKS)) $(if $(ORIGINS),--origins $(ORIGINS)) $(if $(PEERS),--peers $(PEERS)) $(if $(JOBS),--jobs $(JOBS))

bench-learning: setup-bench  ## judge ways of learning on the examples of all pairs, fast  WAYS="present anew mine:idea" [TASKS=…] [ORIGINS=…]
	@$(RUN) -m benchmarks.pairs.learn $(WAYS) --data $(DATA) $(if $(TASKS),--tasks $(TASKS)) $(if $(ORIGINS),--origins $(ORIGINS))

bench-pages: setup-dev  ## how fast report and page are there, and rules are replayed; needs what `make serve` fetched
	@$(RUN) -m benchmarks.pages

bench-store: setup-dev  ## the lead store on SQLite and PostgreSQL: events a second, times of a score  [MODEL=artefacts/champion]
	@$(RUN) -m benchmarks.store --model $(MODEL)

bench-serving: setup-bench  ## serving against a bare FastAPI + LightGBM app, kernel and batch  [MODEL=artefacts/champion]
	@$(RUN) -m benchmarks.serving --model $(MODEL)

bench-overload: setup-bench  ## three times as much as can be answered, for a minute  [MODEL=artefacts/champion] [SECONDS=60]
	@$(RUN) -m benchmarks.overload --model $(MODEL) $(if $(filter command environment,$(origin SECONDS)),--seconds $(SECONDS))

soak: setup-bench  ## ten minutes of mixed requests with new models: does memory grow?  [MODEL=artefacts/champion] [MINUTES=10]
	@$(RUN) -m benchmarks.soak --model $(MODEL) $(if $(MINUTES),--minutes $(MINUTES))

bench-scale: setup-dev  ## beyond memory: cost per interaction, a day against everything, Dask  [SIZES=1000000,10000000,30000000,100000000]
	@$(RUN) -m benchmarks.scale $(if $(SIZES),--sizes $(SIZES))

bench-clients: setup-dev  ## does a pooled prior help businesses with little data? A learning curve with and without
	@$(RUN) -m benchmarks.clients

bench-crm: setup-dev  ## import and write-back against CRMs on loopback: rows a second, memory, calls  [LEADS=20000]
	@$(RUN) -m benchmarks.crm $(if $(LEADS),--leads $(LEADS))

bench-honesty: setup-dev  ## unripe labels and little data, against their rivals  [DATA=folder]
	@$(RUN) -m benchmarks.honesty --data $(DATA)

lock: setup-dev  ## lock the requirements anew, as they were where they can be  [UPGRADE=yes]
	@uv=$$($(PYTHON) requirements/setup_venv.py $(VENV) uv) && UV=$$uv requirements/lock.sh

clean:  ## remove caches and the virtual environment; keeps mlflow.db and models
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
