package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/source"
)

// protection is what a report must not replace: never evidence, never an input,
// and any other file only if the user says so.
type protection struct {
	inputs []string
	force  bool
}

// check returns what is at the place of a report, nil if nothing is, or an
// error if a report must not go there.
func (p protection) check(path string) (fs.FileInfo, error) {
	if source.IsLogName(path) || source.IsLogName(targetOf(path)) {
		return nil, fmt.Errorf("%s is named as event logs are: no report is written under such a name", path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, p.checkLink(path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case info.Mode().IsRegular():
		return info, p.checkFile(path, info)
	case info.Mode()&fs.ModeDevice != 0 && info.Mode()&fs.ModeCharDevice == 0:
		return nil, fmt.Errorf("%s is a disk: no report is written to it", path)
	}
	return info, nil
}

// checkLink returns an error if a path that leads nowhere is a link.
func (p protection) checkLink(path string) error {
	if _, err := os.Lstat(path); err == nil && !p.force {
		return fmt.Errorf("%s is a link that leads nowhere: it is replaced only with --force", path)
	}
	return nil
}

// checkFile returns an error if a file that exists must not be replaced.
func (p protection) checkFile(path string, info fs.FileInfo) error {
	if err := p.checkInputs(path, info); err != nil {
		return err
	}
	what, err := scan.ReadsAs(context.Background(), path)
	switch {
	case err != nil:
		return fmt.Errorf("%s exists and cannot be read, so it may be evidence: it will not be overwritten: %w", path, err)
	case what != "":
		return fmt.Errorf("%s is %s: evidence is never overwritten", path, what)
	case source.IsContainerName(path) || source.IsContainerName(targetOf(path)):
		return fmt.Errorf("%s is named as archives and disk images are: evidence is never overwritten", path)
	case !p.force:
		return fmt.Errorf("%s exists: it is replaced only with --force", path)
	}
	return nil
}

// andRead returns the protection of what a scan read, too: in folders it finds
// files that nobody named.
func (p protection) andRead(res *scan.Result) protection {
	p.inputs = slices.Clone(p.inputs)
	for i := range res.Manifest.Inputs {
		if in := &res.Manifest.Inputs[i]; in.Origin == nil {
			p.inputs = append(p.inputs, in.Path)
		}
	}
	return p
}

// checkInputs returns an error if a file is an input, or a rule below one.
func (p protection) checkInputs(path string, info fs.FileInfo) error {
	for _, in := range p.inputs {
		other, err := os.Stat(in)
		if err != nil {
			continue
		}
		if os.SameFile(info, other) {
			return fmt.Errorf("%s is an input: it will not be overwritten", path)
		}
		if other.IsDir() && isBelow(path, in) && rules.IsRuleFile(path) {
			return fmt.Errorf("%s is a rule in an input folder: it will not be overwritten", path)
		}
	}
	return nil
}

// partial returns where a report goes that is not whole: beside the place of
// the whole one.
func (p protection) partial(place string) string {
	const most = 1000
	name := place + ".partial"
	for n := 2; n < most; n++ {
		if _, err := p.check(name); err == nil {
			break
		}
		name = fmt.Sprintf("%s.partial.%d", place, n)
	}
	return name
}

// move renames a finished file to its name. What has come to that place since
// it was checked is replaced no more than what was there before.
func (p protection) move(temp, place string) error {
	if _, err := p.check(place); err != nil {
		return err
	}
	if p.force {
		return os.Rename(temp, place)
	}
	err := os.Link(temp, place) // unlike Rename, never replaces
	switch {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	return os.Rename(temp, place) // a file system without hard links
}

// isBelow reports whether a path lies in a folder.
func isBelow(path, folder string) bool {
	p, err1 := source.RealPath(path)
	f, err2 := source.RealPath(folder)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(f, p)
	return err == nil && filepath.IsLocal(rel)
}
