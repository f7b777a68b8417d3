package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// outcome is what became of a mutant.
type outcome int

const (
	invalid  outcome = iota // it does not compile
	killed                  // a test failed, or used far more CPU time than it should
	survived                // no test noticed
)

// String implements fmt.Stringer.
func (o outcome) String() string {
	return [...]string{"does not compile", "killed by", "lives"}[o]
}

// Limits of a test binary. A mutant that never ends is known by its CPU time,
// as many times what the sound tests take; one that waits indefinitely by the
// clock.
const (
	cpuFactor  = 3
	cpuFloor   = 20 * time.Second
	wallLimit  = 15 * time.Minute
	memoryKiB  = 8 << 20 // address space
	limitShell = `ulimit -t "$1"; ulimit -v "$2"; shift 2; exec "$@"`
)

// tester runs tests of changed code.
type tester struct {
	root, module string
	dir          string        // for overlays and test binaries
	tests        []testBinary  // of all packages
	floor        time.Duration // of the limit of CPU time
	mu           sync.Mutex
	cpu          map[string]time.Duration // that the sound tests of a package take
}

// testBinary is the tests of a package, and what they are made of.
type testBinary struct {
	pkg  string // from the top of the module
	deps []string
}

func newTester(ctx context.Context) (*tester, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}\n{{.Path}}").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	root, module, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	t := &tester{root: root, module: module, cpu: make(map[string]time.Duration), floor: cpuFloor}
	out, err = exec.CommandContext(ctx, "go", "list", "-test", "-f", `{{if not .ForTest}}{{.ImportPath}} {{join .Deps " "}}{{end}}`, "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	t.tests = parseTests(string(out), module)
	t.dir, err = os.MkdirTemp("", "mutate")
	return t, err
}

func (t *tester) close() { _ = os.RemoveAll(t.dir) } // a temporary folder

// parseTests reads what go list prints of test binaries: a line for each, its
// import path with ".test" behind it and its dependencies.
func parseTests(list, module string) []testBinary {
	var tests []testBinary
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		pkg, isTest := strings.CutSuffix(words[0], ".test")
		if !isTest {
			continue
		}
		b := testBinary{pkg: strings.TrimPrefix(pkg, module+"/")}
		for _, dep := range words[1:] {
			if own, ok := strings.CutPrefix(dep, module+"/"); ok {
				b.deps = append(b.deps, own)
			}
		}
		tests = append(tests, b)
	}
	return tests
}

// of returns the packages whose tests depend on one: itself first, then those
// that are made of most, since they see most of what it does.
func (t *tester) of(pkg string) []string {
	var found []testBinary
	for _, b := range t.tests {
		if b.pkg != "internal/mutate" && (b.pkg == pkg || slices.Contains(b.deps, pkg)) {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b testBinary) int {
		if (a.pkg == pkg) != (b.pkg == pkg) {
			return map[bool]int{true: -1, false: 1}[a.pkg == pkg]
		}
		return len(b.deps) - len(a.deps)
	})
	names := make([]string, len(found))
	for i, b := range found {
		names[i] = b.pkg
	}
	return names
}

// limit returns the CPU time that a mutant may use in the tests of a package.
// They are run once as the code is, and must pass.
func (t *tester) limit(ctx context.Context, pkg string) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	used, known := t.cpu[pkg]
	if !known {
		binary, err := t.build(ctx, pkg, filepath.Join(t.dir, "sound"), "")
		if err != nil {
			return 0, err
		}
		var output string
		output, used, err = t.test(ctx, pkg, binary, wallLimit)
		if err != nil {
			return 0, fmt.Errorf("%s without a change: %w\n%s", pkg, err, output)
		}
		t.cpu[pkg] = used
	}
	return max(t.floor, cpuFactor*used), nil
}

// try returns the outcome of a mutant in the tests of some packages, and which
// of them killed it. It works in a folder of its own.
func (t *tester) try(ctx context.Context, m mutant, pkgs []string, dir string) (result outcome, by string, err error) {
	overlay, err := t.overlay(m, dir)
	if err != nil {
		return invalid, "", err
	}
	for _, pkg := range pkgs {
		limit, err := t.limit(ctx, pkg)
		if err != nil {
			return invalid, "", err
		}
		binary, err := t.build(ctx, pkg, filepath.Join(dir, "mutant"), overlay)
		if ctx.Err() != nil {
			return invalid, "", context.Cause(ctx)
		}
		if err != nil {
			return invalid, "", nil
		}
		_, _, err = t.test(ctx, pkg, binary, limit)
		if ctx.Err() != nil {
			return invalid, "", context.Cause(ctx)
		}
		if err != nil {
			return killed, pkg, nil
		}
	}
	return survived, "", nil
}

// overlay writes the changed file and returns the name of the file that names
// it to the go command.
func (t *tester) overlay(m mutant, dir string) (string, error) {
	original := filepath.Join(t.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, "changed.go")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, errors.Join(os.WriteFile(changed, m.apply(source), 0o600), os.WriteFile(name, list, 0o600))
}

// build returns the test binary of a package, "" if it has no tests.
func (t *tester) build(ctx context.Context, pkg, binary, overlay string) (string, error) {
	args := []string{"test", "-c", "-vet=off", "-ldflags=-w", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	_ = os.Remove(binary) // of another package
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
	cmd.Dir = t.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", pkg, err, out)
	}
	if _, err := os.Stat(binary); err != nil {
		return "", nil
	}
	return binary, nil
}

// test runs a test binary, "" for none, within a limit of CPU time and the
// others. It returns the output and the CPU time used.
func (t *tester) test(ctx context.Context, pkg, binary string, limit time.Duration) (output string, used time.Duration, err error) {
	if binary == "" {
		return "", 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, wallLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", limitShell, "sh", fmt.Sprint(int(limit.Seconds())), fmt.Sprint(memoryKiB),
		binary, "-test.failfast", "-test.short", "-test.timeout=0")
	cmd.Dir = filepath.Join(t.root, filepath.FromSlash(pkg))
	cmd.WaitDelay = time.Second // for what a killed test has started
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}
