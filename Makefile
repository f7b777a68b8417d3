# Targets for people who work on webshellscan. `go test ./...` needs none of them.

BENCH   ?= bench
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
TOOLS    = go tool -modfile go.tools.mod

.PHONY: test lint fuzz bench bench-logs release package check-release clean

test:
	go test ./...

lint:
	@files="$$($(TOOLS) gofumpt -l .)"; if [ -n "$$files" ]; then echo "gofumpt would change:" $$files; exit 1; fi
	for os in linux windows darwin; do GOOS=$$os go vet ./... || exit 1; done
	$(TOOLS) staticcheck ./...

# Every fuzz target for FUZZTIME. What it finds is kept below testdata/fuzz. Go's
# fuzzer may end with "context deadline exceeded" when its time is over (golang/go#75804), which is
# no failure of what it tests: one names the input that failed.
FUZZTIME ?= 10s
fuzz:
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			said=$$(go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package 2>&1) && status=0 || status=1; \
			echo "$$said"; \
			if [ $$status = 1 ]; then case "$$said" in \
				*"Failing input"*) exit 1;; \
				*"context deadline exceeded"*) echo "(the fuzzer met its own deadline, not a failure)";; \
				*) exit 1;; \
			esac; fi; \
		done; \
	done

# Whole scans of made logs beside reading the same bytes and taking their CRC-32.
bench: bench-logs
	WEBSHELLSCAN_BENCH=$(abspath $(BENCH)) go test -run '^$$' -bench 'Scan|Oracle|Scaling|Rules|Sources' -benchtime 5x ./scan
	go test -run '^$$' -bench . ./scan/event ./scan/evtx ./scan/export ./scan/proctree ./scan/crosscheck ./scan/source/... ./rules

bench-logs: $(BENCH)/mixed $(BENCH)/none $(BENCH)/forwarded $(BENCH)/sysmon $(BENCH)/security $(BENCH)/distinct $(BENCH)/real

EVTXGEN = go run ./internal/evtxtest/evtxgen
$(BENCH)/mixed:
	$(EVTXGEN) -kind mixed -size 1GiB -o $@
$(BENCH)/none:
	$(EVTXGEN) -kind none -size 1GiB -o $@
$(BENCH)/forwarded:
	$(EVTXGEN) -kind mixed -forwarded -size 1GiB -o $@
$(BENCH)/sysmon:
	$(EVTXGEN) -kind process -form sysmon -events 1000000 -o $@
$(BENCH)/security:
	$(EVTXGEN) -kind process -form security -events 1000000 -o $@
$(BENCH)/distinct:
	$(EVTXGEN) -kind process -form sysmon -events 1000000 -distinct -o $@

# Chunks of real logs in a fixed order. The logs are no part of the repository.
REAL = ../shared/bench/real_chunks.py
$(BENCH)/real:
	@if [ -e $(REAL) ]; then mkdir -p $@ && python3 $(REAL) $@/real.evtx 600 ../shared/corpus/logs; \
	else echo "No real logs at ../shared: their benchmark is skipped."; fi

# Static binaries of all systems, each below 16 MB, manual pages, completion files and a bill of
# materials, with their SHA-256 sums; and archives, .deb and .rpm packages, a Scoop
# manifest and a Homebrew formula, for files that will be at URL, of MAINTAINER
# (Name <mail address>), with the address of the project, HOMEPAGE.
RELEASE = go run ./internal/release -version $(VERSION) -dist dist
release:
	$(RELEASE)

package:
	$(RELEASE) -packages -url '$(URL)' -homepage '$(HOMEPAGE)' $(if $(MAINTAINER),-maintainer '$(MAINTAINER)')

# Two builds are the same; packages are installed and removed in an empty root.
check-release:
	WEBSHELLSCAN_RELEASE=1 go test -count=1 -timeout 1h ./internal/release

clean:
	rm -rf dist $(BENCH)
