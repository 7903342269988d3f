# Build, test and demo of Shunt. Two of these are all that a user needs: `make demo` and `make test`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The checkout's own tools first: biome, tsc, vitest and Node 24.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

C_SOURCES = $(shell find bpf native test bench -name '*.[ch]')
PAGE_FILES = $(wildcard src/web/*.html src/web/*.css src/web/*.svg)
DIST_SOURCES = package-lock.json $(wildcard tsconfig*.json) $(shell find src -name '*.ts') $(PAGE_FILES)

.PHONY: help
help: ## this list
	@echo 'make VERB'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## install what is missing: Debian packages (as root), npm packages, Node 24
	@scripts/setup

.PHONY: build bpf native test-programs dist
build: bpf native test-programs dist ## everything that runs: kernel programs, native library, agent
bpf: | setup
	@$(MAKE) -s -C bpf
native: | setup
	@$(MAKE) -s -C native
test-programs: | setup
	@$(MAKE) -s -C test/helpers
dist: build/dist.stamp

# From scratch, so that nothing stays of a source that went.
build/dist.stamp: $(DIST_SOURCES) | setup
	@echo '  tsc     dist'
	@rm -rf dist
	@tsc -p tsconfig.build.json
	@tsc -p tsconfig.web.json
	@cp $(PAGE_FILES) dist/web/
	@mkdir -p $(@D) && touch $@

.PHONY: demo
demo: build ## show a Service move its traffic, on a node made of network namespaces (as root)
	@bin/shunt demo

.PHONY: test test-unit test-root
test: setup ## every check and every test; what CI runs (as root)
	@node scripts/test.mjs
test-unit: setup ## tests that need no root: unit, property, the Kubernetes source and deploy
	@vitest run --project unit --project property --project kubernetes --project deploy
test-root: build ## tests of the native library, the kernel programs and real sockets (as root)
	@$(MAKE) -s -C native test
	@vitest run --project native --project bpf --project netns

.PHONY: test-apiserver
test-apiserver: setup ## tests against a real kube-apiserver and etcd; builds them the first time (10 minutes)
	@scripts/apiserver/build
	@vitest run --project apiserver

.PHONY: test-deploy
test-deploy: build ## builds the image and runs it against a real API server, with exactly the DaemonSet's rights (as root)
	@scripts/apiserver/build
	@scripts/image
	@vitest run --project deployed

.PHONY: lint format types generate check-generated
lint: setup ## format and lint rules, import direction
	@biome ci --error-on-warnings
	@clang-format --dry-run -Werror $(C_SOURCES)
format: setup ## rewrite sources in the house format
	@biome check --write
	@clang-format -i $(C_SOURCES)
types: setup ## type check
	@tsc --noEmit
	@tsc --noEmit -p tsconfig.web.json
generate: bpf ## rewrite generated files: record layouts, pages of docs/
	@node scripts/gen-layout.mjs
	@node scripts/gen-docs.mjs
	@node scripts/gen-dashboards.mjs
	@$(MAKE) -C bpf
check-generated: bpf
	@node scripts/gen-layout.mjs --check
	@node scripts/gen-docs.mjs --check
	@node scripts/gen-dashboards.mjs --check

.PHONY: bench
bench: build ## measure against direct, iptables, nftables and sidecars; writes docs/benchmarks.md (as root)
	@node bench/run.ts

.PHONY: clean
clean: ## remove everything built
	@rm -rf build dist
