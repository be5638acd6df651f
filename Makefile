# Assay. `make help` lists the targets. Needs Go 1.26.8, git and a POSIX shell; a C compiler only for `make check` (race detector) and for keys in PKCS#11
# tokens (make build TAGS=pkcs11 CGO_ENABLED=1).

# Commands that tests and the demo run, built by name and version into build/bin: what they require never meets go.mod.
BTCD      = github.com/btcsuite/btcd@v0.26.2
VERSITYGW = github.com/versity/versitygw/cmd/versitygw@v1.8.0
LINT      = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0
GOSEC     = github.com/securego/gosec/v2/cmd/gosec@v2.30.0
OASDIFF   = github.com/oasdiff/oasdiff@v1.38.0
VULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
CYCLONEDX = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
TOXIPROXY = github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0

# What tests alone need of npm, into build/npm: a node of Ethereum, Safe's contracts (LGPL-3.0, so not in this repository), and
# others' programs that judge our signed answers and the API's document; a compiler for the client in TypeScript; what drives a
# browser, and judges whether everybody can read its pages; apps and an identity provider (OAuth 2.0).
NPM       = @foundry-rs/anvil-$$os-$$arch@1.7.1 \
            @safe-global/safe-contracts@1.4.1 @gnosis.pm/safe-contracts@1.3.0 @safe-global/safe-deployments@1.37.56
JUDGES    = http-message-signatures@1.0.6 http-message-sig@0.3.0 structured-headers@2.1.0 \
            @stoplight/spectral-cli@6.16.3 @stoplight/spectral-owasp-ruleset@2.0.1 typescript@5.9.3 \
            playwright-core@1.65.1 axe-core@4.14.1 oauth4webapi@3.8.8 openid-client@6.8.9 oidc-provider@9.13.3 oauth2-mock-server@9.3.0

# Others' programs that judge a served exchange: of Debian, and of PyPI.
SECURITY  = testssl.sh sslscan slowhttptest sqlmap wapiti hydra ffuf openssl python3-venv haproxy
SCHEMA    = schemathesis==4.32.5 http-message-signatures==3.0.0
VULNDB   ?= https://vuln.go.dev
# What gosec finds and is no fault: of conversions (G115) make check's linter judges, with the reason beside each; the operator names the folder of a run; the KEK of tests draws its nonces.
EXPLAINED = -exclude G115 -exclude-rules 'cmd/assay/rundir.go:G703;web/store/storetest:G407'

BIN       = $(CURDIR)/build/bin
FUZZTIME  = 30s
VERSION   = 0.1.0
LDFLAGS   = -s -w -X main.version=$(VERSION)

export CGO_ENABLED ?= 0

.PHONY: help build demo test test-faults test-mutations check bench bench-scale vectors fuzz clean litecoind anvil judges softhsm tokens vaultd versitygw toxiproxy postgres besides security oasdiff sbom test-security bench-serve page node-modules differential screenshots

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST)

build: ## build assay and assay-verify into build/bin
	go build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/assay ./cmd/assay-verify

# A list is the same for the same programs: it has neither a number nor a time of its own.
sbom: build $(BIN)/cyclonedx-gomod ## write down what assay and assay-verify are made of (CycloneDX), beside them in build/bin
	@for p in assay assay-verify; do \
	  $(BIN)/cyclonedx-gomod bin -json -noserial -std -version $(VERSION) -output $(BIN)/$$p.cdx.json.new $(BIN)/$$p && \
	  sed '/^    "timestamp": /d' $(BIN)/$$p.cdx.json.new >$(BIN)/$$p.cdx.json && rm $(BIN)/$$p.cdx.json.new || exit 1; \
	done

demo: build $(BIN)/btcd ## the main job, start to end, on real local chains, under build/demo
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/devchain
	sh cmd/devchain/demo.sh

test: $(BIN)/btcd litecoind anvil judges node-modules softhsm vaultd versitygw toxiproxy postgres besides ## every test that CI needs
	go test -timeout 60m ./...
	@$(MAKE) --no-print-directory tokens

test-faults: ## kill the log's writer, its witness and the server a hundred times each, and one of two servers twenty times in 10,000 writes, where make test does so twenty times, ten or five
	ASSAY_KILLS=100 go test -count=1 -v -run '^TestX11_Killed(Appender|Witness)$$' ./attest/...
	ASSAY_KILLS=100 go test -count=1 -timeout 30m -v -run '^TestKilledServer$$' ./cmd/assay
	ASSAY_KILLS=20 ASSAY_WRITES=10000 go test -count=1 -timeout 60m -v -run '^TestKilledReplicas$$' ./cmd/assay

test-mutations: ## take each check of the confidential tree's verifier away in turn, and see a test fail; ten minutes
	ASSAY_MUTATIONS=1 go test -count=1 -timeout 60m -run '^TestMutations_' ./verifier ./verifier/confidential

check: $(BIN)/btcd $(BIN)/golangci-lint litecoind anvil judges node-modules softhsm vaultd versitygw toxiproxy postgres besides ## formatting, vet, tidy, lint, import rules, tests with the race detector
	@test -z "$$(gofmt -l cmd merkle chains attest report verifier web *.go)" || { gofmt -l cmd merkle chains attest report verifier web *.go; echo "run gofmt -w on these files"; exit 1; }
	go vet ./...
	CGO_ENABLED=1 go vet -tags pkcs11 ./attest/keys ./cmd/assay
	go mod tidy -diff
	$(BIN)/golangci-lint run ./...
	CGO_ENABLED=1 $(BIN)/golangci-lint run --build-tags pkcs11 ./attest/keys ./cmd/assay
	CGO_ENABLED=1 go test -race -timeout 90m ./...
	CGO_ENABLED=1 go test -race -tags pkcs11 ./attest/keys

page: node-modules ## build the customer's page and the widget again, into web/app/dist; needs Node 20.19 or later and npm
	cd web/app && node pack.mjs ../../build/opinion.b85 && node build.mjs --opinion ../../build/opinion.b85 && node widget/build.mjs

screenshots: judges node-modules besides ## keep what the console, the site and the customer's page look like in build/screenshots
	ASSAY_SCREENSHOTS=1 go test -count=1 -timeout 30m -run '^(TestConsoleInABrowser|TestCustomersInABrowser|TestCustomersWay|TestPage|TestSiteInABrowser)$$' ./cmd/assay ./web/app ./web/site

bench: ## measure; figures depend on the machine, ratios within one run do not
	go test -run '^$$' -bench . -benchmem ./merkle/... ./chains/evm ./verifier/... ./web/... ./cmd/assay

bench-scale: postgres ## build trees of up to 100 million customers; minutes, and 50 GB below ASSAY_SCALE (the system's folder for temporary files)
	ASSAY_SCALE=$${ASSAY_SCALE:-$${TMPDIR:-/tmp}} go test -run '^$$' -bench '^BenchmarkScale$$' -benchtime 1x -timeout 2h -v ./cmd/assay

# The server is a real one, over TLS 1.3 at the loopback address; wrk and h2load (Debian has both), and PostgreSQL, share its cores.
bench-serve: postgres ## measure signed answers a second, their time at half of the peak, memory over a minute, what limits let through, and whether absent customers show
	@command -v wrk >/dev/null 2>&1 && command -v h2load >/dev/null 2>&1 || { echo "no wrk, or no h2load; on Debian type: sudo apt-get install -y --no-install-recommends wrk nghttp2-client"; exit 1; }
	ASSAY_LOAD=1 go test -count=1 -timeout 60m -v -run '^Test(Load|LoadOfProofs|Timing|AcceptedUnderLoad)$$' ./cmd/assay

# What each judge says is kept in build/security. There is no copy of the vulnerability database in this repository: where the live one
# cannot be reached nothing is known of vulnerabilities, and this fails. A copy, whose date is told, is named by VULNDB=file:///its/folder.
test-security: security judges oasdiff $(BIN)/gosec $(BIN)/govulncheck ## others' programs judge a served exchange, and what changed in the API's document; 100,000 malformed requests; gosec and govulncheck
	ASSAY_SECURITY=$(CURDIR)/build/security ASSAY_MALFORMED=100000 go test -count=1 -timeout 60m -v -run '^Test(OutsideJudges|JudgedByRole|JudgedBySQLMap|Hydra|Ffuf|BehindHAProxy|MalformedRequests|ServeTLS|ReceiptsAreBelieved|TypeScript)$$' ./cmd/assay
	ASSAY_SECURITY=$(CURDIR)/build/security go test -count=1 -run '^Test(Spectral|NothingBreaks|OutsideJudges)$$' ./web ./web/httpsig
	ASSAY_PYTHON=$(CURDIR)/build/security/venv/bin/python go test -count=1 -run '^TestOutside_' ./verifier/respsig
	$(BIN)/gosec -severity high -confidence medium $(EXPLAINED) -fmt text ./web/... ./verifier/respsig ./cmd/... >build/security/gosec.txt 2>&1 || { tail -n 40 build/security/gosec.txt; exit 1; }
	@$(BIN)/govulncheck -show version -db $(VULNDB) ./... >build/security/govulncheck.txt 2>&1; code=$$?; sed -n '1,/^$$/p' build/security/govulncheck.txt; \
	if test $$code = 3; then echo "govulncheck: see build/security/govulncheck.txt"; exit 1; fi; \
	test $$code = 0 || { tail -n 3 build/security/govulncheck.txt; echo "govulncheck could not ask $(VULNDB) (exit $$code): name a copy of the database by VULNDB=file:///its/folder"; exit 1; }

vectors: ## make the vectors and golden files again; fails if one changed
	go test ./verifier -run '^TestVectorsAreCurrent$$' -update
	go test ./verifier -run '^TestSpecExample$$' -update
	go test ./report/render -run '^TestGolden$$' -update
	git diff --exit-code -- verifier/vectors verifier/SPEC.md report/render/testdata

# What is found is made smaller for a few tries only: some targets would spend their whole time on that.
fuzz: ## every fuzz target for FUZZTIME each
	@for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$p || exit 1; \
	  done; \
	done

differential: node-modules ## put as many random proofs as DIFFERENTIAL says, or 100,000, to all verifiers: they must agree
	DIFFERENTIAL=$${DIFFERENTIAL:-100000} go test ./verifier -run '^TestImplementationsAgree$$' -count=1 -timeout 12h -v

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

# Tests against PostgreSQL are skipped without it: where it cannot be had, nothing fails. Debian keeps the server off the path.
postgres:
	@found() { command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }; found || { \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing postgresql, which tests run"; \
	    wait="-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"; \
	    { apt-get $$wait update && DEBIAN_FRONTEND=noninteractive apt-get $$wait install -y --no-install-recommends postgresql; } >/dev/null 2>&1 </dev/null; \
	  fi; \
	  found || echo "no PostgreSQL: its tests are skipped; on Debian type: sudo apt-get install -y --no-install-recommends postgresql"; \
	}

# Tests in which sqlite3 alters the audit log, haproxy stands before the servers, Redis beside them, chromium shows the console, and python3-jwcrypto makes hostile tokens, are skipped without them: where they cannot be had, nothing fails.
besides:
	@for p in sqlite3 haproxy redis-server chromium; do command -v $$p >/dev/null 2>&1 || { \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing $$p, which tests run"; \
	    wait="-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"; \
	    { apt-get $$wait update && DEBIAN_FRONTEND=noninteractive apt-get $$wait install -y --no-install-recommends $$p; } >/dev/null 2>&1 </dev/null; \
	  fi; \
	  command -v $$p >/dev/null 2>&1 || echo "no $$p: its tests are skipped; on Debian type: sudo apt-get install -y --no-install-recommends $$p"; \
	}; done
	@jose() { /usr/bin/python3 -c 'import jwcrypto' >/dev/null 2>&1 || python3 -c 'import jwcrypto' >/dev/null 2>&1; }; jose || { \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing python3-jwcrypto, which tests run"; \
	    wait="-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"; \
	    { apt-get $$wait update && DEBIAN_FRONTEND=noninteractive apt-get $$wait install -y --no-install-recommends python3-jwcrypto; } >/dev/null 2>&1 </dev/null; \
	  fi; \
	  jose || echo "no python3-jwcrypto: tests of hostile tokens are skipped; on Debian type: sudo apt-get install -y --no-install-recommends python3-jwcrypto"; \
	}

# It spoils the way between a server and what it shares with others. Where it cannot be built, its tests are skipped.
toxiproxy: $(BIN)/toxiproxy

$(BIN)/toxiproxy: Makefile
	@echo "building toxiproxy, which tests run; the first time it takes a minute"
	@mkdir -p $(BIN)/.toxiproxy && GOBIN=$(BIN)/.toxiproxy go install $(TOXIPROXY) && mv $(BIN)/.toxiproxy/server $@ && rmdir $(BIN)/.toxiproxy && touch $@ || echo "no toxiproxy: tests of a network that fails are skipped; see above, then type: make toxiproxy"

# Tests against anvil and with Safe's contracts are skipped without them: where npm cannot be had, nothing fails.
anvil:
	@case $$(uname -s) in Linux) os=linux;; Darwin) os=darwin;; *) os=none;; esac; \
	case $$(uname -m) in x86_64|amd64) arch=amd64;; aarch64|arm64) arch=arm64;; *) arch=none;; esac; \
	test "$$(cat build/npm/versions 2>/dev/null)" = "$(NPM)" || { \
	  command -v npm >/dev/null 2>&1 && mkdir -p build/npm && echo "installing anvil and Safe's contracts, which tests run" && \
	  npm install --prefix build/npm --save-exact --no-audit --no-fund --ignore-scripts --legacy-peer-deps \
	    --fetch-retries=0 --fetch-timeout=60000 $(NPM) >/dev/null 2>&1 </dev/null && echo "$(NPM)" >build/npm/versions || \
	  echo "no anvil: its tests, and those with Safe's contracts, are skipped; install npm and type: make anvil"; \
	}

# Tests in which others' programs judge what is served are skipped without them: where npm cannot be had, nothing fails.
judges:
	@test "$$(cat build/npm/judges 2>/dev/null)" = "$(JUDGES)" || { \
	  command -v npm >/dev/null 2>&1 && mkdir -p build/npm && echo "installing programs that judge signed answers and the API's document, which tests run" && \
	  npm install --prefix build/npm --save-exact --no-audit --no-fund --ignore-scripts --legacy-peer-deps \
	    --fetch-retries=0 --fetch-timeout=60000 $(JUDGES) >/dev/null 2>&1 </dev/null && echo "$(JUDGES)" >build/npm/judges || \
	  echo "no programs that judge signed answers and the API's document: their tests are skipped; install npm and type: make judges"; \
	}

# What the customer's page is built with, exactly as its lock file says. Tests that build the page are skipped without it: where npm cannot be had, nothing fails.
node-modules:
	@cmp -s web/app/package-lock.json web/app/node_modules/.installed || { \
	  command -v npm >/dev/null 2>&1 && echo "installing what the customer's page is built with" && \
	  npm ci --prefix web/app --no-audit --no-fund --ignore-scripts --fetch-retries=0 --fetch-timeout=60000 >/dev/null 2>&1 </dev/null && \
	  cp web/app/package-lock.json web/app/node_modules/.installed || \
	  echo "nothing to build the customer's page with: its tests are skipped; install npm and type: make node-modules"; \
	}

# Others' programs that judge a served exchange. Without them there is no judgement: this fails, and says what to type.
security:
	@mkdir -p build/security; \
	missing() { for p in testssl sslscan slowhttptest sqlmap wapiti hydra ffuf openssl haproxy; do command -v $$p >/dev/null 2>&1 || return 0; done; return 1; }; \
	if missing && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing $(SECURITY)"; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(SECURITY); } >/dev/null 2>&1 </dev/null; \
	fi; \
	if missing; then echo "judges are missing; on Debian type: sudo apt-get install -y --no-install-recommends $(SECURITY)"; exit 1; fi
	@test "$$(cat build/security/schema 2>/dev/null)" = "$(SCHEMA)" || { \
	  echo "installing $(SCHEMA)"; \
	  python3 -m venv build/security/venv && build/security/venv/bin/pip install --quiet $(SCHEMA) && echo "$(SCHEMA)" >build/security/schema; }

# Tests of keys in PKCS#11 tokens are skipped without SoftHSM and pkcs11-tool: where they cannot be had, nothing fails.
softhsm:
	@command -v softhsm2-util >/dev/null 2>&1 && command -v pkcs11-tool >/dev/null 2>&1 || { \
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing softhsm2 and opensc, which tests run"; \
	    wait="-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"; \
	    { apt-get $$wait update && DEBIAN_FRONTEND=noninteractive apt-get $$wait install -y --no-install-recommends softhsm2 opensc; } >/dev/null 2>&1 </dev/null; \
	  fi; \
	  command -v softhsm2-util >/dev/null 2>&1 && command -v pkcs11-tool >/dev/null 2>&1 || \
	    echo "no SoftHSM: tests of keys in tokens are skipped; on Debian type: sudo apt-get install -y --no-install-recommends softhsm2 opensc"; \
	}

# They are in a build of their own, as PKCS#11 needs a C compiler and the rest of Assay does not.
tokens: softhsm
	@if ! command -v "$$(go env CC)" >/dev/null 2>&1; then echo "no C compiler: tests of keys in tokens are skipped"; \
	elif ! command -v softhsm2-util >/dev/null 2>&1 || ! command -v pkcs11-tool >/dev/null 2>&1; then echo "no SoftHSM: tests of keys in tokens are skipped"; \
	else echo "go test -tags pkcs11 ./attest/keys ./cmd/assay" && CGO_ENABLED=1 go test -tags pkcs11 ./attest/keys && CGO_ENABLED=1 go test -tags pkcs11 -run '^TestTokenK' ./cmd/assay; fi

# A Vault server with Transit, in a module of its own, which tests run and nothing links. Where it cannot be built, its tests are skipped.
vaultd: $(BIN)/vaultd

VAULTD = attest/keys/testdata/vaultd
$(BIN)/vaultd: $(VAULTD)/main.go $(VAULTD)/go.mod $(VAULTD)/go.sum
	@echo "building vaultd, which tests run; the first time it takes some minutes"
	@cd $(VAULTD) && go build -trimpath -buildvcs=false -ldflags '-s -w' -o $@ . || echo "no vaultd: tests against a Transit server are skipped; see above, then type: make vaultd"

# An S3-compatible server, which tests run and nothing links. Where it cannot be built, its tests are skipped.
versitygw: $(BIN)/versitygw

$(BIN)/versitygw: Makefile
	@echo "building versitygw, which tests run; the first time it takes some minutes"
	@GOBIN=$(BIN) go install $(VERSITYGW) && touch $@ || echo "no versitygw: tests against an S3-compatible server are skipped; see above, then type: make versitygw"

$(BIN)/btcd: Makefile
	GOBIN=$(BIN) go install $(BTCD)
	@touch $@

# It judges what changed in the API's document since the last version; a release keeps its own: go test ./web -run '^TestNothingBreaks$' -update
oasdiff: $(BIN)/oasdiff

$(BIN)/oasdiff: Makefile
	GOBIN=$(BIN) go install $(OASDIFF)
	@touch $@

$(BIN)/gosec: Makefile
	GOBIN=$(BIN) go install $(GOSEC)
	@touch $@

$(BIN)/cyclonedx-gomod: Makefile
	GOBIN=$(BIN) go install $(CYCLONEDX)
	@touch $@

$(BIN)/govulncheck: Makefile
	GOBIN=$(BIN) go install $(VULNCHECK)
	@touch $@

$(BIN)/golangci-lint: Makefile
	GOBIN=$(BIN) go install $(LINT)
	@touch $@
