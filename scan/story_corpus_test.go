package scan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// storyTruth is what a scenario of the corpus says of its sessions.
type storyTruth struct {
	Tie         []storyRecord
	EntryPoints []struct {
		Session     int
		EntryPoints []struct {
			URI, Conf string
			First     bool
		} `json:"entry_points"`
	} `json:"entry_points"`
	NoEntryURIs []string `json:"no_entry_uris"`
	Sessions    []struct {
		WorkerProcessID uint32 `json:"worker_process_id"`
	}
}

// storyRecord is an event of a scenario.
type storyRecord struct {
	Files    []string
	RecordID uint64 `json:"record_id"`
	Category string
	Links    []string
	Process  *uint32 `json:"process_id"`
}

// TestStoryCorpus: in each scenario the events of the sessions are tied by the
// links that they allow, no others are, and the entry points are those that
// there were.
func TestStoryCorpus(t *testing.T) {
	const corpus = "../../shared/corpus/story"
	truths, _ := filepath.Glob(corpus + "/*/truth.json")
	if len(truths) == 0 {
		t.Skip("no corpus beside the repository")
	}
	for _, file := range truths {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var truth storyTruth
			if err := json.Unmarshal(b, &truth); err != nil {
				t.Fatal(err)
			}
			res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{filepath.Join(filepath.Dir(file), "logs")}})
			if err != nil {
				t.Fatal(err)
			}
			checkTies(t, &truth, res)
			checkEntryPoints(t, &truth, res)
		})
	}
}

func checkTies(t *testing.T, truth *storyTruth, res *scan.Result) {
	t.Helper()
	tied := 0
	for _, want := range truth.Tie {
		for _, e := range res.Events {
			at := slices.IndexFunc(e.Evidence, func(r finding.Evidence) bool {
				return r.RecordID == want.RecordID && strings.HasSuffix(filepath.ToSlash(r.File), "logs/"+want.Files[0])
			})
			if at < 0 || e.Session == nil {
				continue
			}
			tied++
			if !slices.Contains(want.Links, e.Link.String()) || string(e.Category) != want.Category || want.Process != nil && *want.Process != e.ProcessID {
				t.Errorf("record %d of %s: %s by %s of process %d, want %+v", want.RecordID, want.Files[0], e.Category, e.Link, e.ProcessID, want)
			}
		}
	}
	if tied < len(truth.Tie) {
		t.Errorf("%d of %d events are tied", tied, len(truth.Tie))
	}
}

func checkEntryPoints(t *testing.T, truth *storyTruth, res *scan.Result) {
	t.Helper()
	for _, want := range truth.EntryPoints {
		pid := truth.Sessions[want.Session].WorkerProcessID
		i := slices.IndexFunc(res.Sessions, func(s *finding.Session) bool { return s.Worker.PID() == pid })
		if i < 0 {
			t.Errorf("no session of process %d", pid)
			continue
		}
		points := res.Sessions[i].EntryPoints
		for _, p := range points {
			if slices.Contains(truth.NoEntryURIs, p.URI) {
				t.Errorf("%s is no entry point", p.URI)
			}
		}
		for _, w := range want.EntryPoints {
			at := slices.IndexFunc(points, func(p *finding.EntryPoint) bool { return strings.EqualFold(p.URI, w.URI) })
			if w.Conf == "none" {
				continue
			}
			if at < 0 || w.First && at != 0 || w.Conf == "likely" && points[at].Confidence.String() != "likely" {
				t.Errorf("entry point %s, %s: at %d of %d", w.URI, w.Conf, at, len(points))
			}
		}
	}
}
