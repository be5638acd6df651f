# Assay. `make help` lists the targets. Needs Go 1.26, git and a POSIX shell; no C compiler but for `make check` (race detector).

# Commands that tests and the demo run, built by name and version into build/bin: what they require never meets go.mod.
BTCD      = github.com/btcsuite/btcd@v0.26.2
LINT      = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0

BIN       = $(CURDIR)/build/bin
FUZZTIME  = 30s
VERSION   = 0.1.0
LDFLAGS   = -s -w -X main.version=$(VERSION)

export CGO_ENABLED ?= 0

.PHONY: help build demo test check bench vectors fuzz clean litecoind

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST)

build: ## build assay and assay-verify into build/bin
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/assay ./cmd/assay-verify

demo: build $(BIN)/btcd ## the main job, start to end, on real local chains, under build/demo
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/devchain
	sh cmd/devchain/demo.sh

test: $(BIN)/btcd litecoind ## every test that CI needs
	go test -timeout 20m ./...

check: $(BIN)/btcd $(BIN)/golangci-lint litecoind ## formatting, vet, tidy, lint, import rules, tests with the race detector
	@test -z "$$(gofmt -l cmd merkle chains attest report verifier web *.go)" || { gofmt -l cmd merkle chains attest report verifier web *.go; echo "run gofmt -w on these files"; exit 1; }
	go vet ./...
	go mod tidy -diff
	$(BIN)/golangci-lint run ./...
	CGO_ENABLED=1 go test -race -timeout 30m ./...

bench: ## measure; figures depend on the machine, ratios within one run do not
	go test -run '^$$' -bench . -benchmem ./merkle/... ./verifier/...

vectors: ## make the vectors and golden files again; fails if one changed
	go test ./verifier -run '^TestVectorsAreCurrent$$' -update
	go test ./verifier -run '^TestSpecExample$$' -update
	go test ./report/render -run '^TestGolden$$' -update
	git diff --exit-code -- verifier/vectors verifier/SPEC.md report/render/testdata

fuzz: ## every fuzz target for FUZZTIME each
	@for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; \
	done

clean: ## remove build/
	rm -rf build

# Tests against Litecoin Core are skipped without it: where it cannot be had, nothing fails.
litecoind:
	@command -v litecoind >/dev/null 2>&1 || { \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing litecoind, which tests run"; \
	    wait="-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"; \
	    { apt-get $$wait update && DEBIAN_FRONTEND=noninteractive apt-get $$wait install -y --no-install-recommends litecoind; } >/dev/null 2>&1 </dev/null; \
	  fi; \
	  command -v litecoind >/dev/null 2>&1 || \
	    echo "no litecoind: its tests are skipped; on Debian type: sudo apt-get install -y --no-install-recommends litecoind"; \
	}

$(BIN)/btcd: Makefile
	GOBIN=$(BIN) go install $(BTCD)
	@touch $@

$(BIN)/golangci-lint: Makefile
	GOBIN=$(BIN) go install $(LINT)
	@touch $@
