package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// target is a system that binaries are made for.
type target struct{ os, arch string }

// targets are the systems.
var targets = []target{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}

// ending returns what the names of programs end with.
func (t target) ending() string {
	if t.os == "windows" {
		return ".exe"
	}
	return ""
}

// binary returns the path of a target's binary.
func (r *release) binary(t target) string {
	return filepath.Join(r.dist, fmt.Sprintf("%s-%s-%s-%s%s", r.Name, r.version, t.os, t.arch, t.ending()))
}

// maxBinary is the size that no binary reaches, in bytes.
const maxBinary = 16_000_000

// build builds the binary of a target. Its bytes depend on the sources, the
// version and Go alone: not on the folder, nor on what a version control system
// says of it.
func (r *release) build(t target, out string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.release="+r.version, "-o", out, "./cmd/"+r.Name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+t.os, "GOARCH="+t.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=")
	if err := r.execute(cmd); err != nil {
		return err
	}
	if info, err := os.Stat(out); err != nil || info.Size() >= maxBinary {
		return errors.Join(err, fmt.Errorf("%s is not smaller than %d bytes", out, maxBinary))
	}
	return nil
}

// execute runs a command in the module's folder. What it says is in the error.
func (r *release) execute(cmd *exec.Cmd) error {
	cmd.Dir = r.source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

// shells are those that completion files are made for, with the files' names.
var shells = map[string]string{"bash": "webshellscan", "zsh": "_webshellscan", "fish": "webshellscan.fish", "powershell": "webshellscan.ps1"}

// documents writes the manual pages and completion files, which the program
// itself generates.
func (r *release) documents() error {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // holds nothing but the program
	program := filepath.Join(dir, r.Name)
	if err := r.build(target{runtime.GOOS, runtime.GOARCH}, program); err != nil {
		return err
	}
	if err := r.execute(exec.Command(program, "man", "-o", filepath.Join(r.dist, "man1"))); err != nil {
		return err
	}
	for shell, name := range shells {
		script, err := exec.Command(program, "completion", shell).Output()
		if err = errors.Join(err, os.WriteFile(filepath.Join(r.dist, "completions", name), script, 0o666)); err != nil {
			return err
		}
	}
	return nil
}

// tool returns a command of one of the tools that go.release.mod names.
func tool(args ...string) *exec.Cmd {
	return exec.Command("go", append([]string{"tool", "-modfile", "go.release.mod"}, args...)...)
}

// materials writes the bill of materials of each binary: the modules that are
// compiled into it, with their licences, in CycloneDX.
func (r *release) materials() error {
	for _, t := range targets {
		cmd := tool("cyclonedx-gomod", "bin", "-json", "-licenses", "-std", "-noserial", "-notimestamp",
			"-version", r.version, "-output", r.binary(t)+".cdx.json", r.binary(t))
		cmd.Env = append(os.Environ(), "GOFLAGS=")
		if err := r.execute(cmd); err != nil {
			return err
		}
	}
	return nil
}
