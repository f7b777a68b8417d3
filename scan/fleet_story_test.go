package scan_test

import (
	"path/filepath"
	"slices"
	"testing"

	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// fleetEntries are the pages that started the incidents of the shipped logs.
var fleetEntries = map[string]string{
	fleet.IncidentPortal: "/uploads/health.aspx", fleet.IncidentTomcat: "/harbor/upload/status.jsp",
	fleet.IncidentExchange: "/owa/auth/errorEE.aspx", fleet.IncidentPHP: "/media/thumbs/cache.php",
}

// TestFleetEntryPoints holds the web requests of the shipped logs to what
// happened: the page of each incident stands first and is likely, each of its
// requests has the processes that it started, and what its client asked for
// besides is shown.
func TestFleetEntryPoints(t *testing.T) {
	demo, err := fleet.NewDemo()
	if err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{shipped}})
	seen := 0
	for _, h := range demo.Fleet.Hosts() {
		clients := make(map[string]bool)
		for _, r := range h.Requests() {
			if r.Incident == "" {
				continue
			}
			clients[r.Client] = true
			s := sessionOf(t, res, h.Name())
			if first := s.EntryPoints[0]; first.URI != fleetEntries[r.Incident] || first.Confidence != story.ConfidenceLikely || !slices.Equal(first.Clients, []string{r.Client}) {
				t.Fatalf("%s: first entry point is %s (%s) of %v", r.Incident, first.URI, first.Confidence, first.Clients)
			}
			for _, p := range r.Processes {
				if !startedBy(res, h.Name(), r, p.PID) {
					t.Errorf("%s: no request of %s names process %d, which %s %s?%s started", r.Incident, r.Client, p.PID, r.Method, r.URI, r.Query)
				}
				seen++
			}
		}
		for _, r := range h.Requests() {
			if clients[r.Client] && !shown(res, h.Name(), r) {
				t.Errorf("%s: %s %s?%s of %s is not shown", h.Name(), r.Method, r.URI, r.Query, r.Client)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d processes were started by requests, want at least 20", seen)
	}
}

// sessionOf returns the session of a host.
func sessionOf(t *testing.T, res *scan.Result, host string) *finding.Session {
	t.Helper()
	i := slices.IndexFunc(res.Sessions, func(s *finding.Session) bool { return s.Host == host })
	if i < 0 || len(res.Sessions[i].EntryPoints) == 0 {
		t.Fatalf("%s has no session with an entry point", host)
	}
	return res.Sessions[i]
}

// startedBy reports whether a request that the scan tells is one of the model,
// and names a process.
func startedBy(res *scan.Result, host string, r *fleet.Request, pid uint32) bool {
	return slices.ContainsFunc(res.Requests, func(q *finding.Request) bool {
		if !sameRequest(q, host, r) || !q.Entry {
			return false
		}
		for _, p := range q.Processes {
			if p.PID() == pid {
				return true
			}
		}
		return false
	})
}

// shown reports whether the scan tells a request of the model.
func shown(res *scan.Result, host string, r *fleet.Request) bool {
	return slices.ContainsFunc(res.Requests, func(q *finding.Request) bool { return sameRequest(q, host, r) })
}

func sameRequest(q *finding.Request, host string, r *fleet.Request) bool {
	return q.Host == host && q.Method == r.Method && q.URI == r.URI && q.Query == r.Query && q.Client == r.Client
}

// TestFleetTraces holds that all that the processes of the incidents did is
// tied to their sessions, and to the process that did it where the event names
// one.
func TestFleetTraces(t *testing.T) {
	demo, err := fleet.NewDemo()
	if err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{shipped}})
	byRecord := make(map[string]*finding.Event)
	for _, e := range res.Events {
		for _, at := range e.Evidence {
			rel, err := filepath.Rel(shipped, at.File)
			if err != nil {
				t.Fatal(err)
			}
			byRecord[recordKey(filepath.ToSlash(rel), at.RecordID)] = e
		}
	}
	tied := 0
	for _, p := range demo.Fleet.Processes() {
		for _, r := range p.Traces {
			e := byRecord[recordKey(r.File, r.EventRecordID)]
			switch {
			case p.Incident == "" && !p.WebServer() && p.Worker() == nil && e != nil && !armed(e.Session, p.PID):
				t.Errorf("pid %d %s: event %d is tied to %s", p.PID, p.Image, r.EventID, e.Session.Key)
			case p.Incident == "":
			case e == nil || e.Session == nil || e.Session.Host != p.Host.Name():
				t.Errorf("%s: pid %d %s: event %d is not tied", p.Incident, p.PID, p.Image, r.EventID)
			case e.Process.Exists() && e.Process.PID() != p.PID:
				t.Errorf("%s: pid %d %s: event %d is tied to pid %d", p.Incident, p.PID, p.Image, r.EventID, e.Process.PID())
			default:
				tied++
			}
		}
	}
	if tied < 20 {
		t.Errorf("%d events are tied, want at least 20", tied)
	}
	onward := slices.ContainsFunc(res.Events, func(e *finding.Event) bool {
		return e.Host == "DC01.harbor.example" && e.Session != nil && e.Session.Host == "WEB01.harbor.example" && e.Link == story.LinkAddress
	})
	if !onward {
		t.Error("the logon on DC01 is not tied to the session of WEB01")
	}
}

// TestFleetArmed holds what the incidents left behind, and what then ran by it
// and below that, to what started it.
func TestFleetArmed(t *testing.T) {
	res := mustScan(t, scan.Options{Paths: []string{shipped}})
	for host, want := range map[string]string{
		"WEB01.harbor.example": `the scheduled task \PortalHealthCheck`, "WEB02.harbor.example": "the service HarborUpdate",
	} {
		var by []string
		for _, a := range sessionOf(t, res, host).Armed {
			by = append(by, a.By)
		}
		if !slices.Equal(slices.Compact(by), []string{want}) {
			t.Errorf("%s: armed by %q, want %q", host, by, want)
		}
	}
}

// armed reports whether a session armed a process.
func armed(s *finding.Session, pid uint32) bool {
	return slices.ContainsFunc(s.Armed, func(a story.Armed) bool { return a.Process.PID() == pid })
}
