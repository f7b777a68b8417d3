// Command release makes what is handed out of one description: binaries of all
// systems, the same bytes wherever they are built, manual pages, completion
// files, a bill of materials, and with -packages archives, .deb and .rpm
// packages, a Scoop manifest and a Homebrew formula.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// about is the description that all packages are made of. Nobody answers for
// them at its address unless -maintainer names who does.
var about = description{
	Name:       "webshellscan",
	Summary:    "Find what web servers started, in Windows event logs",
	Text:       "Reads Windows event logs in folders, archives and disk images, builds the process trees of each host, and reports what web servers started, in what order and as whom. It needs no network and only reads.",
	License:    "GPL-3.0-only",
	Maintainer: "The webshellscan authors <nobody@webshellscan.invalid>",
}

type description struct{ Name, Summary, Text, License, Maintainer string }

// release is one run.
type release struct {
	description
	version  string // as the binaries say it
	url      string // of the folder that the files will be in
	homepage string
	source   string // the module's folder
	dist     string // what is written to
	modified time.Time
}

func main() {
	r := &release{description: about}
	flag.StringVar(&r.version, "version", "devel", "the `version` that the binaries say")
	flag.StringVar(&r.url, "url", "", "the `address` of the folder that the files will be in (default: that of -dist, for trying)")
	flag.StringVar(&r.homepage, "homepage", "", "the `address` of the project (default: that of -url, and none in .deb and .rpm)")
	flag.StringVar(&r.Maintainer, "maintainer", r.Maintainer, "`who` answers for the packages, as Name <mail address>")
	flag.StringVar(&r.dist, "dist", "dist", "the `folder` to write to, which is emptied")
	packages := flag.Bool("packages", false, "packages too")
	flag.Parse()
	if err := r.run(*packages); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	if *packages {
		r.remark(os.Stderr)
	}
}

// remark returns what makes packages fit for trying only.
func (r *release) remark(w io.Writer) {
	if strings.HasPrefix(r.url, "file:") {
		_, _ = fmt.Fprintf(w, "The Scoop manifest and the Homebrew formula are for trying: they take the files from %s (URL=https://...).\n", r.url)
	}
	if r.Maintainer == about.Maintainer {
		_, _ = fmt.Fprintf(w, "The packages name nobody who answers for them (MAINTAINER='Name <mail address>').\n")
	}
}

// run makes everything.
func (r *release) run(packages bool) error {
	if err := r.prepare(); err != nil {
		return err
	}
	for _, t := range targets {
		if err := r.build(t, r.binary(t)); err != nil {
			return err
		}
	}
	steps := []func() error{r.documents, r.materials}
	if packages {
		steps = append(steps, r.archives, r.systemPackages, r.scoop, r.formula)
	}
	for _, step := range append(steps, r.sums) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// prepare fills in what the flags leave open, and empties the folder.
func (r *release) prepare() error {
	var err error
	if r.source, err = os.Getwd(); err != nil {
		return err
	}
	if r.dist, err = filepath.Abs(r.dist); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(r.source, "cmd", r.Name)); err != nil {
		return fmt.Errorf("not the module's folder: %w", err)
	}
	if r.url == "" {
		r.url = "file://" + filepath.ToSlash(r.dist)
	}
	r.url = strings.TrimRight(r.url, "/")
	if r.modified, err = sourceDate(); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(r.dist), os.MkdirAll(filepath.Join(r.dist, "man1"), 0o777), os.MkdirAll(filepath.Join(r.dist, "completions"), 0o777))
}

// sourceDate returns the time that files in packages bear: SOURCE_DATE_EPOCH
// (reproducible-builds.org), and without it always the same.
func sourceDate() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Unix(946684800, 0).UTC(), nil // 2000-01-01
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// laterPart is what `git describe` writes behind the tag of sources that are
// later than it.
var laterPart = regexp.MustCompile(`-(\d+-g[0-9a-f]+(-dirty)?|dirty)$`)

// packageVersion returns the version as packages must have it: it begins with a
// digit, has early before what makes it earlier than its number, such as rc1,
// and a + before what makes it later.
func (r *release) packageVersion(early string) string {
	version := strings.TrimPrefix(r.version, "v")
	if first, _, dotted := strings.Cut(version, "."); !dotted || first == "" || strings.Trim(first, "0123456789") != "" {
		version = "0.0.0-" + version
	}
	later := laterPart.FindString(version)
	number, rest, isEarly := strings.Cut(strings.TrimSuffix(version, later), "-")
	if isEarly {
		number += early + strings.ReplaceAll(rest, "-", ".")
	}
	if later != "" {
		number += "+" + strings.ReplaceAll(later[1:], "-", ".")
	}
	return number
}

// sums writes the SHA-256 of every file, by name.
func (r *release) sums() error {
	var lines []string
	err := filepath.WalkDir(r.dist, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		sum, err := hashOf(path)
		name, _ := filepath.Rel(r.dist, path)
		lines = append(lines, sum+"  "+filepath.ToSlash(name)+"\n")
		return err
	})
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return errors.Join(err, os.WriteFile(filepath.Join(r.dist, "SHA256SUMS"), []byte(strings.Join(lines, "")), 0o666))
}

// hashOf returns the SHA-256 of a file.
func hashOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}
