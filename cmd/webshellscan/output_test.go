package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/draw"
	"webshellscan/scan"
)

// TestInterruptedReports: a run that is interrupted, before its reports are
// written or meanwhile, marks them and leaves the whole ones of earlier runs
// alone.
func TestInterruptedReports(t *testing.T) {
	t.Chdir(repository)
	list := report.ScanFormats.Names()
	for _, format := range report.VerifyFormats.Names() {
		list = append(list, "verify:"+format)
	}
	for _, format := range list {
		for _, before := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "report")
			if err := write(path, []byte("whole")); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			res, err := scan.Scan(ctx, scan.Options{Paths: []string{"testdata/logs"}})
			if err != nil {
				t.Fatal(err)
			}
			out, err := openOutput(t.Context(), path, protection{force: true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if before {
				cancel(errors.New("by hand"))
			}
			err = (&globals{}).writeOutputs(ctx, []*output{out}, res, func(out *output) error {
				defer cancel(errors.New("by hand"))
				if name, ok := strings.CutPrefix(format, "verify:"); ok {
					return report.VerifyFormats.Write(out, name, res, report.Options{})
				}
				return report.ScanFormats.Write(out, format, res, report.Options{})
			})
			name := fmt.Sprintf("%s, before it is written: %v", format, before)
			if err != nil || res.Summary.Interrupted == nil {
				t.Errorf("%s: %v, interrupted by %v", name, err, res.Summary.Interrupted)
			}
			if whole, _ := os.ReadFile(path); string(whole) != "whole" {
				t.Errorf("%s: the whole report was replaced", name)
			}
			part, err := os.ReadFile(path + ".partial")
			if err != nil || !bytes.Contains(bytes.ToLower(part), []byte("interrupted")) {
				t.Errorf("%s: not marked: %v, %.200q", name, err, part)
			}
		}
	}
}

// TestInterruptedPlaces: what is said of an interruption names the files that
// were written, and no others.
func TestInterruptedPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := write("a.csv.partial", []byte("of an earlier run")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	var stdout, stderr bytes.Buffer
	g := &globals{stdout: &stdout, stderr: &stderr, quiet: true}
	outs, err := openOutputs(t.Context(), []destination{{path: "whole.csv"}, {path: "a.csv"}, {path: "b.csv"}, {}}, protection{}, &stdout)
	if err != nil {
		t.Fatal(err)
	}
	res := &scan.Result{Summary: scan.Summary{Records: 1}}
	err = g.writeOutputs(ctx, outs, res, func(out *output) error {
		if out.path == "a.csv" {
			cancel(errors.New("by hand"))
		}
		_, err := out.WriteString("x")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	g.summarize(res)
	if want := "up to then, and is in a.csv.partial.2, b.csv.partial\n"; !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("%q, want %q", stderr.String(), want)
	}
	for _, name := range []string{"whole.csv", "a.csv.partial.2", "b.csv.partial"} {
		if data, err := os.ReadFile(name); err != nil || string(data) != "x" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

// TestInterruptedTrees: trees of logs that were not all read say so.
func TestInterruptedTrees(t *testing.T) {
	t.Chdir(repository)
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{"testdata/logs"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range report.TreeFormats.Names() {
		for _, interrupted := range []bool{false, true} {
			var b bytes.Buffer
			err := report.TreeFormats.Write(&b, format, &draw.Trees{
				Forest: res.Forest, Tops: []draw.Top{{}}, Options: draw.Options{Interrupted: interrupted},
			}, report.Options{})
			marked := bytes.Contains(bytes.ToLower(b.Bytes()), []byte("interrupted"))
			if err != nil || marked != interrupted || format == "json" && !json.Valid(b.Bytes()) {
				t.Errorf("%s: %v, marked: %v, want %v", format, err, marked, interrupted)
			}
		}
	}
}

// TestPartialPlaces: no partial report takes the place of an earlier one.
func TestPartialPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, want := range []string{"a.csv.partial", "a.csv.partial.2", "a.csv.partial.3"} {
		if got := (protection{}).partial("a.csv"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if err := write(want, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := (protection{force: true}).partial("a.csv"); got != "a.csv.partial" {
		t.Errorf("by force: %s", got)
	}
}
