//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shippedPath returns the absolute path of the shipped logs.
func shippedPath(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, "testdata/logs"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// command returns a run of the program in a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"webshellscan"}, args...)} // as testscript.Main wants it
}

// TestSignals: whenever a signal comes, the program ends as it should, and its
// report is there whole or not at all.
func TestSignals(t *testing.T) {
	logs := shippedPath(t)
	out := filepath.Join(t.TempDir(), "findings.csv")
	whole := command(t, logs, "-o", out, "--format", "csv", "-q")
	if err := whole.Run(); whole.ProcessState.ExitCode() != exitFindings {
		t.Fatal(err)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := bytes.Cut(want, []byte("\n"))
	seen := make(map[string]int)
	for i := range 60 {
		if err := os.Remove(out); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		signal := []os.Signal{syscall.SIGINT, syscall.SIGTERM}[i%2]
		cmd := command(t, logs, "-o", out, "--format", "csv")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
		_ = cmd.Process.Signal(signal) // it may have ended
		_ = cmd.Wait()                 // the status is looked at
		state := cmd.ProcessState
		got, readErr := os.ReadFile(out)
		part, partErr := os.ReadFile(out + ".partial")
		_ = os.Remove(out + ".partial")
		switch code := state.ExitCode(); {
		case code == exitFindings:
			seen["finished"]++
			if !bytes.Equal(got, want) {
				t.Errorf("after %d ms: exit status %d, and another report", i, code)
			}
		case code == exitInterrupted:
			seen["interrupted"]++
			marked := bytes.HasPrefix(part, header) && bytes.Contains(part, []byte("\nINTERRUPTED"))
			if !strings.Contains(errs.String(), "INTERRUPTED") || readErr == nil || partErr == nil && !marked {
				t.Errorf("after %d ms: %v, %q, report %q, in part %q", i, readErr, errs.String(), got, part)
			}
		case code == -1:
			seen["killed"]++ // before the program could ask for the signal
			if readErr == nil {
				t.Errorf("after %d ms: killed, and there is a report", i)
			}
		default:
			t.Errorf("after %d ms: exit status %d: %s", i, code, errs.String())
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".*")); len(left) > 0 {
			t.Errorf("after %d ms: %q was left behind", i, left)
			_ = os.Remove(left[0])
		}
	}
	t.Logf("%v", seen)
}

// TestChangingFiles: files that grow, shrink and vanish while they are read
// cost themselves at most.
func TestChangingFiles(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shippedPath(t), "WEB02", "Security.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	steady := filepath.Join(folder, "steady.evtx")
	if err := write(steady, data); err != nil {
		t.Fatal(err)
	}
	_, alone, _ := runHere(t, steady, "--format", "csv", "-q")
	findings := strings.Count(alone, "\n")
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range 4 {
		path := filepath.Join(folder, fmt.Sprintf("restless%d.evtx", i))
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				switch n % 4 {
				case 0:
					_ = os.WriteFile(path, data, 0o644)
				case 1:
					_ = os.Truncate(path, int64(n*7919%len(data)))
				case 2:
					_ = os.Truncate(path, int64(2*len(data)))
				case 3:
					_ = os.Remove(path)
				}
			}
		})
	}
	defer group.Wait()
	defer close(stop)
	for range 30 {
		status, stdout, stderr := runHere(t, folder, "--format", "csv")
		if status != exitFindings && status != exitIncomplete || strings.Count(stdout, "\n") < findings || strings.Contains(stderr, "INTERNAL") {
			t.Fatalf("exit status %d, %d lines, %s", status, strings.Count(stdout, "\n"), stderr)
		}
	}
}

// TestManyFiles: a folder with more files than a process may open is no burden.
func TestManyFiles(t *testing.T) {
	const n, open = 3000, 64
	folder := t.TempDir()
	for i := range n {
		f, err := os.Create(filepath.Join(folder, fmt.Sprintf("%d.evtx", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(int64(i%7*1000)), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = open
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}()
	status, _, stderr := runHere(t, folder, shippedPath(t))
	if status != exitIncomplete || strings.Contains(stderr, "too many") || !strings.Contains(stderr, "Read 17 EVTX files") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
}

// TestOutputRights: a report has the rights that the user's umask leaves, or
// those of the file that it replaces, and a link to that file stays.
func TestOutputRights(t *testing.T) {
	folder := t.TempDir()
	kept, link, fresh := filepath.Join(folder, "kept.csv"), filepath.Join(folder, "link.csv"), filepath.Join(folder, "fresh.csv")
	if err := errors.Join(os.WriteFile(kept, nil, 0o600), os.Symlink("kept.csv", link)); err != nil {
		t.Fatal(err)
	}
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	if status, _, stderr := runHere(t, shippedPath(t), "-q", "--force", "-o", link, "-o", fresh); status != exitFindings {
		t.Fatalf("exit status %d, %s", status, stderr)
	}
	for path, want := range map[string]os.FileMode{kept: 0o600, fresh: 0o640} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want || info.Size() == 0 {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != "kept.csv" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

// TestWaitingPipes: a signal ends a run at once that waits for the other end of
// a pipe, to write a report or to read a log.
func TestWaitingPipes(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	logs := shippedPath(t)
	for _, args := range [][]string{{logs, "-o", pipe}, {"baseline", logs, "-o", pipe}, {pipe}} {
		for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
			cmd := command(t, append(args, "--force")...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			time.Sleep(500 * time.Millisecond) // until it asks for signals, and waits
			_ = cmd.Process.Signal(signal)
			_ = cmd.Wait() // the status is looked at
			timer.Stop()
			if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(errs.String(), "INTERRUPTED") {
				t.Errorf("%v, %v: exit status %d, %q", args, signal, code, errs.String())
			}
		}
	}
}
