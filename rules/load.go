package rules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"webshellscan/internal/work"
)

// errNoRuleFiles is what is wrong with a folder that was named in vain.
var errNoRuleFiles = errors.New("no rule file (.yml, .yaml) in this folder")

// Loaded is what Load found.
type Loaded struct {
	Rules  []*Rule // by file, in the order of paths, within folders by name; within a file in its order
	Errors []error // each a *ParseError: those of finding files, then those of their contents in the order of Rules
	Files  []string
	Failed int // files and documents with errors
}

// Load reads the rule files that paths name. Of a folder, all files below it
// count whose names end with .yml or .yaml in any case, except in folders whose
// names begin with a dot; links within folders are not followed. A file that is
// named counts whatever it is called. A file that stands at several places of
// paths is read once.
//
// goroutines is how many files are parsed at the same time, 0 for one a
// processor; the result does not depend on it. When ctx ends, what was read up
// to then is returned with its cause as the last error.
func Load(ctx context.Context, paths []string, goroutines int) *Loaded {
	files, out := findFiles(paths)
	type parsed struct {
		rules  []*Rule
		errs   []error
		failed int
		done   bool
	}
	results := make([]parsed, len(files))
	if goroutines <= 0 {
		goroutines = runtime.GOMAXPROCS(0)
	}
	panics := work.Each(goroutines, len(files), func(_, i int) {
		if ctx.Err() == nil {
			rules, errs, failed := parseFile(files[i])
			results[i] = parsed{rules, errs, failed, true}
		}
	})
	for _, f := range panics {
		problem := &ParseError{File: files[f.Index], Reason: fmt.Sprintf("internal error (please report): %v", f), Err: ErrInternal}
		results[f.Index] = parsed{nil, []error{problem}, 1, true}
	}
	for i, r := range results {
		if r.done {
			out.Files = append(out.Files, files[i])
		}
		out.Rules = append(out.Rules, r.rules...)
		out.Errors = append(out.Errors, r.errs...)
		out.Failed += r.failed
	}
	if ctx.Err() != nil {
		out.Errors = append(out.Errors, &ParseError{Reason: "loading of rules ended early: " + context.Cause(ctx).Error(), Err: context.Cause(ctx)})
	}
	return out
}

// findFiles returns the files to read, and a result with the errors met on the
// way.
func findFiles(paths []string) ([]string, *Loaded) {
	var files []string
	out := &Loaded{}
	seen := make(map[string]bool)
	add := func(path string) {
		if key := filepath.Clean(path); !seen[key] {
			seen[key] = true
			files = append(files, path)
		}
	}
	fail := func(path string, err error) {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err // the path is reported anyway
		}
		out.Errors = append(out.Errors, &ParseError{File: path, Reason: err.Error(), Err: ErrRead})
		out.Failed++
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			fail(path, err)
			continue
		case !info.IsDir():
			add(path)
			continue
		}
		empty := true
		// WalkDir visits in the order of names, so the result is the
		// same everywhere.
		_ = filepath.WalkDir(path, func(p string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				fail(p, err)
				empty = false
			case entry.IsDir() && p != path && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case entry.Type().IsRegular() && IsRuleFile(p):
				add(p)
				empty = false
			}
			return nil
		})
		if empty {
			fail(path, errNoRuleFiles)
		}
	}
	return files, out
}

// IsRuleFile reports whether a file's name is that of a rule file. Sigma rules
// specification, "Yaml File".
func IsRuleFile(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yml" || ext == ".yaml"
}

// parseFile reads and parses one file, of which no more than the limit is read.
func parseFile(path string) (found []*Rule, errs []error, failed int) {
	data, err := readFile(path)
	if err != nil {
		problem, ok := errors.AsType[*ParseError](err)
		if !ok {
			problem = &ParseError{File: path, Reason: err.Error(), Err: ErrRead}
		}
		return nil, []error{problem}, 1
	}
	return parse(path, data)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > maxFileSize {
		return nil, tooLarge(path, info.Size())
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(f, maxFileSize+1)); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return data.Bytes(), nil
}
