package scan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/partial"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
)

var errGone = errors.New("the disk is gone")

// openedOnce returns what was found with inputs that cannot be opened again
// once they were, as those of some names.
func openedOnce(found source.Found, ending string) source.Found {
	once := func(in source.Input) source.Input {
		n := 0
		original := in
		return in.From(func() (*source.File, error) {
			if n++; n > 1 && strings.HasSuffix(in.Path, ending) {
				return nil, errGone
			}
			return original.Open()
		})
	}
	for i := range found.Inputs {
		found.Inputs[i] = once(found.Inputs[i])
	}
	for i := range found.Others {
		found.Others[i] = once(found.Others[i])
	}
	return found
}

// TestCollectLost: what cannot be read a second time, for what a partial result
// is to hold, makes it incomplete, and the merge knows that it lacks it.
func TestCollectLost(t *testing.T) {
	for _, ending := range []string{"Security.evtx", "localhost_access_log.2024-03-11.txt"} {
		options := Options{Paths: []string{shippedHost}, Goroutines: 2, Version: "test"}
		options.Sources.Wanted = []source.Wanted{WebLogs(), source.AppHostConfig()}
		found, err := source.Find(t.Context(), options.Paths, options.Sources)
		if err != nil {
			t.Fatal(err)
		}
		found = openedOnce(found, ending)
		out := filepath.Join(t.TempDir(), "x.wsp")
		var file bytes.Buffer
		done, err := collectFound(t.Context(), &found, &options, "", &file)
		if err == nil {
			err = os.WriteFile(out, file.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		named := func(s *Summary) bool {
			return slices.ContainsFunc(s.Unreadable, func(e FileError) bool { return strings.HasSuffix(e.Path, ending) })
		}
		if !named(&done.Summary) || !done.Summary.Incomplete() {
			t.Errorf("collect does not say that %s was lost: %v", ending, done.Summary.Unreadable)
		}
		res, err := Scan(t.Context(), Options{Paths: []string{out}, Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		blind := slices.ContainsFunc(res.Summary.Blind, func(b Blind) bool { return strings.Contains(b.Text, "does not hold all") })
		if !named(&res.Summary) && !blind {
			t.Errorf("merge does not say that %s is lacking: %v, %v", ending, res.Summary.Unreadable, res.Summary.Blind)
		}
	}
}

// TestExportTooLarge: an export that is too large to be held is one that the
// part lacks.
func TestExportTooLarge(t *testing.T) {
	in := &input{form: export.XML}
	in.Input = in.From(func() (*source.File, error) {
		return source.NewFile(strings.NewReader(""), maxWhole+1, nil, nil), nil
	})
	forest, err := proctree.Build(t.Context(), proctree.NewTexts(), nil, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	h := &holder{
		reading: &firstPass{inputs: []*input{in}}, wanted: inputOffsets{0: {1}}, unheld: make(map[int]bool), forest: forest,
	}
	h.exports(func(heldEntry, io.Reader) (int64, error) {
		t.Error("it is held")
		return 0, nil
	})
	var index heldIndex
	if h.about(&index); !slices.Equal(index.lacking, []int{0}) {
		t.Errorf("lacking: %v", index.lacking)
	}
}

// TestStoryLost: what the second reading of a scan cannot read is told of.
func TestStoryLost(t *testing.T) {
	gone := func() (*source.File, error) { return nil, errGone }
	ending := func() (*source.File, error) {
		return source.NewFile(strings.NewReader("<Events>"), 8, nil, func() error { return errGone }), nil
	}
	for name, read := range map[string]func(*storyPass, *input){
		"log": func(p *storyPass, in *input) {
			in.Input = in.From(gone)
			p.readChunks(t.Context(), in, []evtx.Chunk{{}}, evtx.NewReader(evtx.Select(event.Want{})), nil)
		},
		"log that a section does not hold": func(p *storyPass, in *input) {
			in.held, in.evtx, p.hits = new(heldContent), evtx.Raw(nil, 1<<20), map[uint32][]int64{0: {600}}
			in.Input = in.From(func() (*source.File, error) { return in.held.open(1 << 20) })
			p.readChunks(t.Context(), in, []evtx.Chunk{{}}, evtx.NewReader(evtx.Select(event.Want{})), nil)
		},
		"bytes of a log": func(p *storyPass, in *input) {
			in.evtx = evtx.Raw(nil, 1<<20)
			in.Input = in.From(func() (*source.File, error) { return source.NewFile(failing{}, 1<<20, nil, nil), nil })
			p.readChunks(t.Context(), in, []evtx.Chunk{{}}, evtx.NewReader(evtx.Select(event.Want{})), nil)
		},
		"export": func(p *storyPass, in *input) {
			in.Input = in.From(gone)
			p.readExport(t.Context(), in, event.Want{}, nil)
		},
		"end of an export": func(p *storyPass, in *input) {
			in.Input, in.evtx, in.form = in.From(ending), evtx.Raw(nil, 8), export.XML
			p.readExport(t.Context(), in, event.Want{}, nil)
		},
	} {
		in := new(input)
		read(&storyPass{reading: new(firstPass)}, in)
		var s Summary
		if in.evtx == nil {
			in.evtx = evtx.Raw(nil, 0)
		}
		if s.addInput(in, new(evtx.Stats)); len(s.Unreadable) == 0 {
			t.Errorf("%s: nothing says that it was lost", name)
		}
	}
}

// failing is a file of which nothing can be read.
type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errGone }

// resealed returns a file of one part with the checksums of the whole that fit
// what do changes in the part, whose sections are left as they are.
func resealed(file []byte, do func(part []byte)) []byte {
	const head, tail = len(partial.Magic) + 4, 8 + 4 + sha256.Size
	file = bytes.Clone(file)
	part := file[head+8+sha256.Size : len(file)-tail]
	do(part)
	sum := sha256.Sum256(part)
	copy(file[head+8:], sum[:])
	all := sha256.Sum256(sum[:])
	copy(file[len(file)-sha256.Size:], all[:])
	return file
}

// wrongCRC makes the checksum of the first section of a kind one that does not
// fit, and of those that are as long as one that is wanted to be.
func wrongCRC(part []byte, is func(kind partial.Kind, size uint64) bool) {
	const head = 1 + 8 + 8 + 4
	le := binary.LittleEndian
	for len(part) > 0 {
		if is(partial.Kind(part[0]), le.Uint64(part[9:])) {
			part[17] ^= 1
		}
		part = part[head+le.Uint64(part[1:]):]
	}
}

// mergeOf scans a partial result.
func mergeOf(tb testing.TB, file []byte) *Result {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.wsp")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	res, err := Scan(tb.Context(), Options{Paths: []string{path}, Version: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// TestMergeLost: bytes of inputs whose section does not fit its checksum are
// lost aloud.
func TestMergeLost(t *testing.T) {
	sound := partOf(t, shippedHost).sealed(t)
	if res := mergeOf(t, sound); len(res.Summary.Unreadable) > 0 || len(res.Sessions) == 0 {
		t.Fatalf("sound: %d sessions, %v", len(res.Sessions), res.Summary.Unreadable)
	}
	res := mergeOf(t, resealed(sound, func(part []byte) {
		wrongCRC(part, func(kind partial.Kind, _ uint64) bool { return kind == sectionHeld })
	}))
	for _, ending := range []string{"Security.evtx", ".txt"} {
		if !slices.ContainsFunc(res.Summary.Unreadable, func(e FileError) bool {
			return strings.HasSuffix(e.Path, ending) && errors.Is(e.Err, partial.ErrChanged)
		}) {
			t.Errorf("%s is not told of: %v", ending, res.Summary.Unreadable)
		}
	}
}

// changed returns the sections with data of the first of a kind changed.
func (s sections) changed(kind partial.Kind, do func(data []byte) []byte) sections {
	out := slices.Clone(s)
	i := slices.IndexFunc(out, func(section partSection) bool { return section.kind == kind })
	out[i].data = do(bytes.Clone(out[i].data))
	return out
}

// longer returns data with one byte more, which is behind the end.
func longer(data []byte) []byte { return append(data, 0) }

// recoded returns the sections with what a part says of itself changed.
func (s sections) recoded(tb testing.TB, do func(*partMeta)) sections {
	tb.Helper()
	return s.changed(sectionMeta, func(data []byte) []byte {
		var m partMeta
		c := wire.NewReader(data)
		if m.code(c); c.End() != nil {
			tb.Fatal(c.Err())
		}
		do(&m)
		w := wire.NewWriter()
		m.code(w)
		return w.Data()
	})
}

// TestRefusedPart: of a part of which one section is not sound nothing counts,
// and it is told of, also if it has no inputs.
func TestRefusedPart(t *testing.T) {
	sound := partOf(t, shippedHost)
	waiting := sound.recoded(t, func(m *partMeta) { m.inputs[0].deferred = []evtx.Deferred{{Offset: 5000, Chunk: 4096}} })
	if res := mergeOf(t, waiting.sealed(t)); len(res.Findings) == 0 || len(res.Summary.Unreadable) > 0 {
		t.Fatalf("sound: %v", res.Summary.Unreadable)
	}
	crc := func(kind partial.Kind) []byte {
		return resealed(waiting.sealed(t), func(part []byte) { wrongCRC(part, func(k partial.Kind, _ uint64) bool { return k == kind }) })
	}
	for name, file := range map[string][]byte{
		"rows with bytes behind them":       sound.changed(sectionRows, longer).sealed(t),
		"watched with bytes behind it":      sound.changed(sectionWatched, longer).sealed(t),
		"definitions with bytes behind":     waiting.changed(sectionDefinitions, longer).sealed(t),
		"rows whose CRC does not fit":       crc(sectionRows),
		"definitions whose CRC is not that": crc(sectionDefinitions),
		"no inputs":                         partOf(t).changed(sectionRows, longer).sealed(t),
	} {
		res := mergeOf(t, file)
		s := &res.Summary
		if !slices.ContainsFunc(s.Unreadable, func(e FileError) bool { return strings.HasSuffix(e.Path, "x.wsp") }) {
			t.Errorf("%s: the part is not named: %v", name, s.Unreadable)
		}
		if s.Events.Total() > 0 || s.Records > 0 || len(s.Hosts)+len(res.Findings)+len(res.Events)+len(res.Integrity)+len(res.web.Reports(nil)) > 0 {
			t.Errorf("%s: counts all the same: %d events, hosts %v, %d findings, %d web logs", name, s.Events.Total(), s.Hosts, len(res.Findings), len(res.web.Reports(nil)))
		}
	}
}

// TestRefusedPartSigns: signs, hits and definitions of a part that is refused
// are not taken.
func TestRefusedPartSigns(t *testing.T) {
	waiting := partOf(t, shippedHost).recoded(t, func(m *partMeta) {
		m.inputs[0].deferred = []evtx.Deferred{{Offset: 5000, Chunk: 4096}}
		m.hits, m.hitsLost = []event.Place{{Offset: 4608}}, 3
	})
	m := newMerging(t)
	r := m.read(t, waiting.changed(sectionRows, longer).sealed(t))
	w := wire.NewWriter()
	r.pool.Definitions().Code(w)
	if len(r.hits)+len(r.traced)+len(r.signs)+r.hitsLost > 0 || len(w.Data()) > 1 {
		t.Errorf("taken of a part that was refused: %v, %v, %v, %d", r.hits, r.traced, r.signs, r.hitsLost)
	}
}

// TestExportInterrupted: that an export was not read to its end since the user
// wanted one is told as that, and is no finding about the export.
func TestExportInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "export.jsonl")
	record := `{"Provider": "Microsoft-Windows-Security-Auditing", "EventID": 4624, "Channel": "Security", "Computer": "WEB01", "TimeCreated": "2026-03-02T08:00:00Z"}` + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(record, 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	options := Options{Paths: []string{path}, Goroutines: 1, Version: "test"}
	found, err := source.Find(t.Context(), options.Paths, options.Sources)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	in := found.Inputs[0]
	found.Inputs[0] = in.From(func() (*source.File, error) {
		cancel(errors.New("stopped here"))
		return in.Open()
	})
	var file bytes.Buffer
	done, err := collectFound(ctx, &found, &options, "", &file)
	if err != nil || done.Summary.Interrupted == nil {
		t.Fatal(err, done)
	}
	res := mergeOf(t, file.Bytes())
	for _, f := range res.Integrity {
		if strings.Contains(f.Text, "stopped here") || strings.Contains(f.Text, "could not be read") {
			t.Errorf("%s: %s", f.Kind, f.Text)
		}
	}
	var told []string
	for _, u := range res.Summary.Unreadable {
		told = append(told, u.Reason())
	}
	if all := strings.Join(told, "; "); !strings.Contains(all, "interrupted") {
		t.Errorf("not read: %s", all)
	}
}

// TestCollectInterruptedLate: a user who wants an end when all was read gets a
// partial result that is whole, and nobody says otherwise.
func TestCollectInterruptedLate(t *testing.T) {
	options := Options{Paths: []string{shippedHost}, Goroutines: 2, Version: "test"}
	found, err := source.Find(t.Context(), options.Paths, options.Sources)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i, in := range found.Inputs {
		n := 0
		found.Inputs[i] = in.From(func() (*source.File, error) {
			if n++; n > 1 {
				cancel()
			}
			return in.Open()
		})
	}
	var file bytes.Buffer
	done, err := collectFound(ctx, &found, &options, "", &file)
	if err != nil || ctx.Err() == nil {
		t.Fatal(err, ctx.Err())
	}
	res := mergeOf(t, file.Bytes())
	if done.Summary.Interrupted != nil || len(res.Summary.Unreadable) > 0 {
		t.Errorf("collect: %v; merge: %v", done.Summary.Interrupted, res.Summary.Unreadable)
	}
}
