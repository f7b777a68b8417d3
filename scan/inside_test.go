package scan

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/webrequest"
)

// TestLostFirst: of what could not be read a second time the first place of the
// input is told, whichever goroutine met it first; of one place the first
// reason.
func TestLostFirst(t *testing.T) {
	for _, places := range [][]int64{{5, 7, 9}, {9, 7, 5}, {7, 5, 9}, {5, 5, 7}} {
		in := new(input)
		for i, at := range places {
			in.lose(at, fmt.Errorf("reason %d", i))
		}
		want := fmt.Sprintf("reason %d", slices.Index(places, 5))
		if in.lostAt != 5 || !strings.Contains(in.lost.Error(), want) {
			t.Errorf("%v: %v at %d, want %s", places, in.lost, in.lostAt, want)
		}
	}
}

// TestRestoredError: of what is held of an input that could not be read it is
// said what it is instead, if that is known and it is no log.
func TestRestoredError(t *testing.T) {
	log := evtx.Raw(nil, 0)
	known := source.Kind{Name: "a picture"}
	for name, tt := range map[string]struct {
		in   *input
		want bool
	}{
		"not read, of a known kind":   {&input{err: errGone, kind: known}, true},
		"not read, of no known kind":  {&input{err: errGone}, false},
		"not read to the end":         {&input{err: errGone, evtx: log, kind: known}, false},
		"read":                        {&input{evtx: log}, false},
		"read, of another known kind": {&input{kind: known}, false},
	} {
		before := tt.in.err
		tt.in.restore(nil)
		if _, got := errors.AsType[*otherKindError](tt.in.err); got != tt.want || !errors.Is(tt.in.err, before) {
			t.Errorf("%s: %v", name, tt.in.err)
		}
	}
}

// TestChunksAt: a chunk is looked up by its place; one that is not known is
// read from there.
func TestChunksAt(t *testing.T) {
	in := &input{chunks: []evtx.Chunk{{Offset: 4096, Records: 1}, {Offset: 69632, Records: 2}}}
	for at, records := range map[int64]int{4096: 1, 69632: 2, 0: 0, 5000: 0, 1 << 20: 0} {
		got := in.chunksAt(at)
		if len(got) != 1 || got[0].Offset != at || got[0].Records != records {
			t.Errorf("%d: %+v", at, got)
		}
	}
}

// TestTracesAdd: what goroutines noted of one computer is put together.
func TestTracesAdd(t *testing.T) {
	r := &firstPass{traced: make(map[string]*eventrule.Traced)}
	for i := range int64(2) {
		r.addTraced(map[string]*eventrule.Traced{"A": {Places: []event.Place{{Offset: i}}, Lost: 3}, fmt.Sprint(i): {Lost: 1}})
	}
	if a := r.traced["A"]; len(r.traced) != 3 || len(a.Places) != 2 || a.Lost != 6 {
		t.Errorf("%+v", r.traced)
	}
}

// TestLostInManifest: a manifest counts what a log lost or what its header
// knows of and it lacks, whichever is more, as far as a number of 32 bits goes.
func TestLostInManifest(t *testing.T) {
	for _, tt := range []struct {
		lost    int
		missing uint64
		want    int
	}{{3, 0, 3}, {3, 5, 5}, {0, 1<<31 - 1, 1<<31 - 1}, {0, 1 << 40, 1<<31 - 1}, {0, 1<<64 - 1, 1<<31 - 1}} {
		in := &input{stats: evtx.Stats{Lost: tt.lost}, missing: evtx.Missing{Records: tt.missing}}
		if got := newInputFile(in, false).Lost; got != tt.want {
			t.Errorf("%d lost, %d missing: %d", tt.lost, tt.missing, got)
		}
	}
}

// TestChunksOfStory: a chunk is read for a story unless it is known to hold
// nothing of it: what is quiet or older than the first session, and that no
// rule matched anything in. One whose times are not known may hold anything.
func TestChunksOfStory(t *testing.T) {
	const since = 100 * event.Hour
	in := &input{chunks: []evtx.Chunk{
		{Offset: 0, Latest: since},
		{Offset: 1 << 16, Latest: since, Quiet: true},
		{Offset: 2 << 16, Latest: since - storySlack},
		{Offset: 3 << 16, Latest: since - storySlack - 1},
		{Offset: 4 << 16},
		{Offset: 5 << 16, Latest: 1},
	}}
	for _, tt := range []struct {
		since event.Time
		hits  []int64
		want  []int64
	}{
		{since, nil, []int64{0, 2, 4}},
		{since, []int64{1<<16 + 600, 5<<16 + 65535}, []int64{0, 1, 2, 4, 5}},
		{noSession, nil, nil},
		{noSession, []int64{4 << 16}, []int64{4}},
	} {
		p := &storyPass{since: tt.since, hits: map[uint32][]int64{0: tt.hits}}
		var got []int64
		for _, c := range p.chunksOf(in) {
			got = append(got, c.Offset>>16)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("since %d, hits %d: chunks %d, want %d", tt.since, tt.hits, got, tt.want)
		}
	}
}

// TestHeldOfStory: the same for what a partial result holds.
func TestHeldOfStory(t *testing.T) {
	const since = 100 * event.Hour
	forest := hostsOf(t, "web1", "db1")
	h := &holder{since: since, forest: forest, index: story.NewIndex(forest, nil), active: map[int]bool{}}
	h.active[h.index.Host("web1")] = true
	in := func(host string) *input { return &input{stats: evtx.Stats{Hosts: map[string]int{host: 1}}} }
	for latest, want := range map[event.Time]bool{since: true, since - storySlack: true, since - storySlack - 1: false, 1: false, 0: true} {
		if got := h.mayHoldStory(in("web1"), evtx.Chunk{Latest: latest}); got != want {
			t.Errorf("a chunk up to %d may tell something: %v", latest, got)
		}
	}
	if h.mayHoldStory(in("db1"), evtx.Chunk{Latest: since}) {
		t.Error("a host without a session tells something")
	}
	if h.since = noSession; h.mayHoldStory(in("web1"), evtx.Chunk{}) {
		t.Error("something is told although there is no session")
	}
}

// TestJudgedOnce: what a partial result was collected with is not judged again
// with the same rules of the same program.
func TestJudgedOnce(t *testing.T) {
	m, file := newMerging(t), partOf(t, shippedHost).sealed(t)
	for _, tt := range []struct {
		given   bool
		version string
		judged  bool
	}{{false, "test", true}, {true, "test", false}, {false, "another", false}} {
		r := m.read(t, file)
		r.matchHeld(t.Context(), m.sets.plan(), tt.given, tt.version)
		if got := r.parts[0].matched; got != tt.judged {
			t.Errorf("version %s, with rules of the user's own %v: judged before %v", tt.version, tt.given, got)
		}
	}
}

// hostsOf returns a forest that knows hosts and no process.
func hostsOf(t *testing.T, names ...string) *proctree.Forest {
	t.Helper()
	texts, computers := proctree.NewTexts(), make(map[string]int)
	for _, name := range names {
		computers[name] = 1
	}
	forest, err := proctree.Build(t.Context(), texts, []*proctree.Collector{proctree.NewCollector(texts)}, computers, 1)
	if err != nil {
		t.Fatal(err)
	}
	return forest
}

// TestHeldUnits: what a partial result holds of logs is read from those that
// could be read, and from no export.
func TestHeldUnits(t *testing.T) {
	log := evtx.Raw(nil, 1<<20)
	chunk := []evtx.Chunk{{Offset: 4096}}
	inputs := []*input{
		{evtx: log, chunks: chunk, err: errGone}, {chunks: chunk}, {evtx: log, chunks: chunk, form: export.XML}, {evtx: log, chunks: chunk},
	}
	h := &holder{reading: &firstPass{inputs: inputs}, wanted: make(inputOffsets)}
	for i, in := range inputs {
		in.index = uint32(i)
		h.wanted.add(in.index, 5000)
	}
	units := h.units()
	if len(units) != 1 || units[0].in != inputs[3] {
		t.Errorf("%d units, want one of the sound log", len(units))
	}
	h.exports(func(e heldEntry, _ io.Reader) (int64, error) {
		t.Errorf("input %d is held as an export", e.number)
		return 0, nil
	})
	inputs[3].Input = inputs[3].From(func() (*source.File, error) { return nil, errGone })
	if w := (&holdReader{holder: h}); len(w.hold(t.Context(), units[0])) > 0 || inputs[3].lost == nil || inputs[3].lostAt != 4096 {
		t.Errorf("what cannot be read again is lost at %d: %v", inputs[3].lostAt, inputs[3].lost)
	}
}

// TestWebLogInManifest: why a web log was not read is told: that nobody knows
// whose it is, or that its host has no session.
func TestWebLogInManifest(t *testing.T) {
	for _, tt := range []struct {
		l    webrequest.Report
		want string
	}{
		{webrequest.Report{Known: true, Host: "web1", Read: true}, ""},
		{webrequest.Report{Known: true, Host: "web1"}, errNoSession.Error()},
		{webrequest.Report{}, errNoFormat.Error()},
		{webrequest.Report{Known: true}, errNoHost.Error()},
		{webrequest.Report{Known: true, Host: "web1", Missed: true}, errNotHeld.Error()},
		{webrequest.Report{Known: true, Host: "web1", Missed: true, Err: errGone}, errGone.Error()},
		{webrequest.Report{Known: true, Host: "web1", Read: true, Err: errGone}, errGone.Error()},
	} {
		if got := webLogInput(&tt.l); got.Error != tt.want || got.WebLog.Host != tt.l.Host {
			t.Errorf("%q of %q, want %q of %q", got.Error, got.WebLog.Host, tt.want, tt.l.Host)
		}
	}
}

// TestHeldTraces: a partial result holds what traces are made of for hosts of
// whose processes nothing is known, however large their logs are.
func TestHeldTraces(t *testing.T) {
	r := &firstPass{hits: make(map[event.Place]bool), traced: map[string]*eventrule.Traced{
		"OLD": {Places: []event.Place{{Offset: 5000}}}, "elsewhere": {Places: []event.Place{{Offset: 6000}}},
	}}
	h := newHolder(r, hostsOf(t, "OLD"), nil)
	if !h.wanted.has(0, 5000) || h.wanted.has(0, 6000) {
		t.Errorf("held are records at %d, want 5000", h.wanted[0])
	}
}

// TestNobodysWebLogs: of the web logs of hosts that are known it is not said
// that they are of unknown ones.
func TestNobodysWebLogs(t *testing.T) {
	logs := []webrequest.Report{{Known: true, Host: "web1"}, {Known: true}, {Known: true, Err: errGone}, {}}
	for i := range logs {
		logs[i].Path = fmt.Sprintf("%d.log", i)
	}
	res := &Result{web: webrequest.New(hostsOf(t, "web1"), false)}
	res.addWebLogs(logs)
	if b := res.Summary.Blind; len(b) != 1 || !strings.Contains(b[0].Text, "1.log") {
		t.Errorf("blind for %v", b)
	}
	if u := res.Summary.Unreadable; len(u) != 1 || u[0].Path != "2.log" {
		t.Errorf("unreadable: %v", u)
	}
}
