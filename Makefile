# One target per thing a person does; continuous integration runs the same lines. `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book test results data photos notebooks lint bench bench-gradient clean

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python
INSTALLED := .venv/installed
PEERS := .venv/peers
SAY := @printf 's2m: %s\n'

# One thread each for notebooks and tests: two threads on a busy machine are many times slower than one.
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else glibc hands every large block back to the kernel and gets it again page by page: a sixth of a step of conv-4, a
# quarter of the time of a photograph. It only has to be told.
export MALLOC_MMAP_THRESHOLD_ := 1073741824
export MALLOC_TRIM_THRESHOLD_ := 2147483648

# Photographs: SOURCE=folder takes what is at hand; where S2M_DATA holds their small archives, those go into data/.
PHOTOS := flowers102 caltech101 grocery_store google_web
SMALL := $(if $(S2M_DATA),$(if $(wildcard $(S2M_DATA)/flowers102/flowers102.zip),$(S2M_DATA)))
PHOTO_SOURCE := $(or $(SOURCE),$(SMALL))
PHOTO_FOLDER := $(if $(SMALL),data,$(or $(S2M_DATA),data))

# Where the characters come from: $S2M_DATA if it holds them packed; if it holds the raw archives, they are packed once
# into data/; with S2M_DATA unset, data/; else characters are generated, which needs neither data nor network.
FOLDER := $(or $(S2M_DATA),data)
ARCHIVE := $(if $(S2M_DATA),$(firstword $(wildcard $(addprefix $(S2M_DATA)/,omniglot/images_background.zip images_background.zip))))
ifneq ($(wildcard $(FOLDER)/omniglot-28.npz),)
  ARCHIVE :=
else ifneq ($(ARCHIVE),)
  FOLDER := data
  SOURCE ?= $(dir $(ARCHIVE))
endif
PACKED := $(FOLDER)/omniglot-28.npz
READY := $(INSTALLED) $(if $(ARCHIVE),$(PACKED))
ifneq ($(ARCHIVE)$(wildcard $(PACKED)),)
  WHICH := Omniglot from $(FOLDER)
  # Raw archives stay where they are looked for: what was packed from them is found in data/.
  export S2M_DATA := $(abspath $(if $(ARCHIVE),$(S2M_DATA),$(FOLDER)))
else
  WHICH := generated characters: no Omniglot at hand, make data fetches it (14 MB)
endif

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY) ## execute the chapters and build the book; minutes, no data needed
	$(SAY) "executing the chapters on $(WHICH)"
	@$(PY) book/execute.py
	$(SAY) "building the pages"
	@.venv/bin/jupyter-book build book/_build/source --path-output book --all -W -n --keep-going --quiet > book/_build/log.txt 2>&1 \
		|| { cat book/_build/log.txt; exit 1; }
	$(SAY) "the book is at $(CURDIR)/book/_build/html/index.html"

test: book ## build the book, then run every test: units, doctests, notebooks, the book in a browser
	$(SAY) "running the tests"
	@$(PY) -m pytest --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg

results: $(READY) ## run the experiments that are not in results/ (resumable, hours; after make data photos) and rebuild its tables
	$(SAY) "completing results/; what is missing needs the sets of make data and make photos"
	@$(PY) results/prelearned.py
	@$(PY) results/make.py
	@$(PY) results/shots.py
	@$(PY) results/crossed.py
	@$(PY) results/looks.py
	@$(PY) results/robustness.py
	@$(PY) results/em_starts.py
	@$(PY) results/components.py
	@$(PY) results/strangers.py
	@$(PY) results/priors.py
	@$(PY) results/copies.py
	@$(PY) results/samples.py
	@$(PY) results/web_queries.py
	@$(PY) results/web_senses.py

data: $(INSTALLED) $(PACKED) ## fetch Omniglot and pack it into S2M_DATA, or data/; SOURCE=folder takes archives at hand
	$(SAY) "Omniglot is at $(PACKED)"

photos: $(INSTALLED) ## fetch four sets of photographs (some GB) and pack them; SOURCE=folder takes archives at hand
	$(SAY) "packing photographs into $(PHOTO_FOLDER)"
	@for set in $(PHOTOS); do \
		$(PY) data_scripts/$$set.py $(if $(PHOTO_SOURCE),--source "$(PHOTO_SOURCE)") --out "$(PHOTO_FOLDER)" || exit 1; done

notebooks: $(READY) ## execute the chapters and store them in book/, to be committed
	$(SAY) "executing the chapters on $(WHICH)"
	@$(PY) book/execute.py --store

lint: $(INSTALLED) ## check the code with ruff
	@.venv/bin/ruff check .

bench: $(INSTALLED) ## time set models, photographs, and the gradient of a fit against other ways, on a quiet machine; some 15 minutes
	@$(PY) bench/layer.py
	@$(PY) bench/photos.py
	@$(PY) bench/gradient.py

bench-gradient: $(PEERS) ## the gradient alone, also against torchopt and pomegranate, which are installed first
	@$(PY) bench/gradient.py

clean: ## remove the built book and caches; keeps .venv and data
	@rm -rf book/_build .pytest_cache .ruff_cache .hypothesis build *.egg-info
	@find s2m tests data_scripts book results -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(INSTALLED): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or later found: install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	$(SAY) "creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv || { echo "cannot create .venv: on Debian and Ubuntu install python3-venv"; exit 1; }
	$(SAY) "installing the pinned packages, about a minute and 2 GB"
	@$(PY) -m pip install --quiet --quiet -r requirements.txt
	$(SAY) "installing s2m"
	@$(PY) -m pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(PEERS): $(INSTALLED) requirements-peers.txt
	$(SAY) "installing what s2m is timed against"
	@$(PY) -m pip install --quiet --quiet --no-build-isolation --no-deps -r requirements-peers.txt
	@touch $@

# Order-only: a packed file is never rebuilt, delete it to pack again.
$(PACKED): | $(INSTALLED)
	$(SAY) "packing Omniglot into $@"
	@$(PY) data_scripts/omniglot.py $(if $(SOURCE),--source "$(SOURCE)") --out "$(FOLDER)"
