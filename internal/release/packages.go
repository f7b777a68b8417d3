package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

var (
	//go:embed nfpm.yaml.tmpl
	nfpmTemplate string
	//go:embed formula.rb.tmpl
	formulaTemplate string
)

// member is a file of an archive, by its name there.
type member struct {
	name string
	path string
	mode int64
}

// archive returns the path of a target's archive.
func (r *release) archive(t target) string {
	ending := ".tar.gz"
	if t.os == "windows" {
		ending = ".zip"
	}
	return strings.TrimSuffix(r.binary(t), ".exe") + ending
}

// archives writes the archive of each target: the program, its manual pages,
// completion files, licence and README.
func (r *release) archives() error {
	for _, t := range targets {
		list, err := r.members(t)
		if err != nil {
			return err
		}
		write := r.tarball
		if t.os == "windows" {
			write = r.zip
		}
		var b bytes.Buffer
		if err := errors.Join(write(&b, list), os.WriteFile(r.archive(t), b.Bytes(), 0o666)); err != nil {
			return err
		}
	}
	return nil
}

// members returns what is in the archive of a target, by name.
func (r *release) members(t target) ([]member, error) {
	list := []member{
		{r.Name + t.ending(), r.binary(t), 0o755},
		{"LICENSE", filepath.Join(r.source, "LICENSE"), 0o644},
		{"README.md", filepath.Join(r.source, "README.md"), 0o644},
	}
	for _, dir := range []string{"man1", "completions"} {
		files, err := os.ReadDir(filepath.Join(r.dist, dir))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			list = append(list, member{path.Join(dir, f.Name()), filepath.Join(r.dist, dir, f.Name()), 0o644})
		}
	}
	slices.SortFunc(list, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// tarball writes files as a compressed tar archive.
func (r *release) tarball(w io.Writer, list []member) error {
	packed := gzip.NewWriter(w)
	out := tar.NewWriter(packed)
	for _, m := range list {
		data, err := os.ReadFile(m.path)
		if err != nil {
			return err
		}
		err = out.WriteHeader(&tar.Header{Name: m.name, Mode: m.mode, Size: int64(len(data)), ModTime: r.modified, Format: tar.FormatUSTAR})
		if _, writeErr := out.Write(data); err != nil || writeErr != nil {
			return errors.Join(err, writeErr)
		}
	}
	return errors.Join(out.Close(), packed.Close())
}

// zip writes files as a zip archive.
func (r *release) zip(w io.Writer, list []member) error {
	out := zip.NewWriter(w)
	for _, m := range list {
		data, err := os.ReadFile(m.path)
		if err != nil {
			return err
		}
		f, err := out.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: r.modified})
		if err != nil {
			return err
		}
		if _, err := f.Write(data); err != nil {
			return err
		}
	}
	return out.Close()
}

// systemPackages writes .deb and .rpm packages.
func (r *release) systemPackages() error {
	for _, t := range targets {
		if t.os != "linux" {
			continue
		}
		config, err := r.fill(nfpmTemplate, map[string]any{"Version": r.packageVersion("~"), "Homepage": r.homepage, "Arch": t.arch, "Binary": r.binary(t), "Modified": r.modified.Format("2006-01-02T15:04:05Z")})
		if err != nil {
			return err
		}
		at := filepath.Join(r.dist, ".nfpm.yaml")
		if err := os.WriteFile(at, config, 0o666); err != nil {
			return err
		}
		for _, packager := range []string{"deb", "rpm"} {
			cmd := tool("nfpm", "package", "-f", at, "-p", packager, "-t", r.dist)
			cmd.Env = append(os.Environ(), "GOFLAGS=", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.modified.Unix()))
			if err := r.execute(cmd); err != nil {
				return err
			}
		}
		if err := os.Remove(at); err != nil {
			return err
		}
	}
	return nil
}

// fill fills a template with the description, and more.
func (r *release) fill(text string, more map[string]any) ([]byte, error) {
	more["About"], more["Dist"], more["Source"] = r.description, r.dist, r.source
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, more)
	return b.Bytes(), err
}

// scoop writes the manifest of Scoop, a package manager for Windows.
func (r *release) scoop() error {
	type build struct {
		URL  string `json:"url"`
		Hash string `json:"hash"`
	}
	builds := make(map[string]build)
	for _, t := range targets {
		if t.os != "windows" {
			continue
		}
		sum, err := hashOf(r.archive(t))
		if err != nil {
			return err
		}
		name := map[string]string{"amd64": "64bit", "arm64": "arm64"}[t.arch]
		builds[name] = build{r.url + "/" + filepath.Base(r.archive(t)), sum}
	}
	text, err := json.MarshalIndent(struct {
		Version      string           `json:"version"`
		Description  string           `json:"description"`
		Homepage     string           `json:"homepage"`
		License      string           `json:"license"`
		Architecture map[string]build `json:"architecture"`
		Bin          string           `json:"bin"`
	}{r.packageVersion("-"), r.Summary, cmp.Or(r.homepage, r.url), r.License, builds, r.Name + ".exe"}, "", "    ")
	return errors.Join(err, os.WriteFile(filepath.Join(r.dist, r.Name+".json"), append(text, '\n'), 0o666))
}

// formula writes the formula of Homebrew, a package manager for macOS and
// Linux.
func (r *release) formula() error {
	builds := make(map[string]map[string]string)
	for _, t := range targets {
		if t.os == "windows" {
			continue
		}
		sum, err := hashOf(r.archive(t))
		if err != nil {
			return err
		}
		builds[t.os+"_"+t.arch] = map[string]string{"URL": r.url + "/" + filepath.Base(r.archive(t)), "SHA256": sum}
	}
	text, err := r.fill(formulaTemplate, map[string]any{"Version": r.packageVersion("-"), "Builds": builds, "Homepage": cmp.Or(r.homepage, r.url)})
	return errors.Join(err, os.WriteFile(filepath.Join(r.dist, r.Name+".rb"), text, 0o666))
}
