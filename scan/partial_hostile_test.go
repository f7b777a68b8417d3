package scan

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/evtx"
	"webshellscan/scan/source"
)

// indexed returns the sections with the index of what is held changed.
func (s sections) indexed(tb testing.TB, do func(*heldIndex)) sections {
	tb.Helper()
	return s.changed(sectionHeldIndex, func(data []byte) []byte {
		var x heldIndex
		c := wire.NewReader(data)
		if x.code(c); c.End() != nil {
			tb.Fatal(c.Err())
		}
		do(&x)
		w := wire.NewWriter()
		x.code(w)
		return w.Data()
	})
}

// TestImpossiblePart: a part that says what cannot be is refused.
func TestImpossiblePart(t *testing.T) {
	sound := partOf(t, shippedHost)
	for name, file := range map[string]sections{
		"hit of an input that there is not": sound.recoded(t, func(m *partMeta) {
			m.hits = append(m.hits, event.Place{File: uint32(len(m.inputs)), Offset: 5000})
		}),
		"trace of an input that there is not": sound.recoded(t, func(m *partMeta) {
			m.traced = map[string]*eventrule.Traced{"A": {Places: []event.Place{{File: uint32(len(m.inputs))}}}}
		}),
		"hit before the file": sound.recoded(t, func(m *partMeta) { m.hits = []event.Place{{Offset: -1}} }),
		"too many hits":       sound.recoded(t, func(m *partMeta) { m.hits = make([]event.Place, maxPlaces+1) }),
		"input that was neither read nor refused": sound.recoded(t, func(m *partMeta) {
			m.inputs[0].evtx, m.inputs[0].err, m.inputs[0].cut = nil, nil, false
		}),
		"chunks in no order": sound.indexed(t, func(x *heldIndex) { x.entries[0].chunks = []int64{69632, 4096} }),
		"chunk twice":        sound.indexed(t, func(x *heldIndex) { x.entries[0].chunks = []int64{4096, 4096} }),
	} {
		res := mergeOf(t, file.sealed(t))
		if !slices.ContainsFunc(res.Summary.Unreadable, func(e FileError) bool {
			return strings.HasSuffix(e.Path, "x.wsp") && errors.Is(e.Err, wire.ErrMalformed)
		}) {
			t.Errorf("%s: not refused: %v", name, res.Summary.Unreadable)
		}
	}
}

// TestHeldLies: a chunk that the index names and its section does not hold is
// lost aloud.
func TestHeldLies(t *testing.T) {
	sound := partOf(t, shippedHost)
	res := mergeOf(t, sound.changed(sectionHeld, func([]byte) []byte { return []byte{0} }).sealed(t))
	if !slices.ContainsFunc(res.Summary.Unreadable, func(e FileError) bool { return errors.Is(e.Err, errNotHeld) }) {
		t.Errorf("nothing is told of: %v", res.Summary.Unreadable)
	}
}

// TestLeastInput: an input takes as many bytes as memory is made for, or more,
// and there is a most.
func TestLeastInput(t *testing.T) {
	w := wire.NewWriter()
	in := new(input)
	codeInput(w, &in)
	again := len(w.Data())
	if codeInput(w, &in); len(w.Data())-again != leastInput {
		t.Errorf("an input takes %d bytes, not %d", len(w.Data())-again, leastInput)
	}
	r := wire.NewReader([]byte{3, 0, 0, 0})
	var list []int
	if bounded(r, &list, 1, 2, func(*int) {}); r.Err() == nil {
		t.Error("a list may have more elements than the most")
	}
}

// TestCutPlaces: a part has no more hits than may be read again, and counts the
// others.
func TestCutPlaces(t *testing.T) {
	m := &partMeta{hits: make([]event.Place, maxPlaces-1), traced: map[string]*eventrule.Traced{"A": {Places: make([]event.Place, 3)}, "B": {Places: make([]event.Place, 2)}}}
	m.inputs = []*input{{}}
	m.cutPlaces()
	a, b := m.traced["A"], m.traced["B"]
	if m.hitsLost != 0 || len(a.Places) != 1 || a.Lost != 2 || len(b.Places) != 0 || b.Lost != 2 || !m.placed() {
		t.Errorf("%d lost, %d of A and %d, %d of B and %d", m.hitsLost, len(a.Places), a.Lost, len(b.Places), b.Lost)
	}
}

// TestLabelOnce: a label stands before a path once in memory, however often the
// path is named.
func TestLabelOnce(t *testing.T) {
	m := &partMeta{label: "H1", skipped: []source.Skipped{{Path: "a"}, {Path: "a"}}, notes: []source.Note{{Path: "a"}}}
	m.under()
	first := m.skipped[0].Path
	for _, path := range []string{m.skipped[1].Path, m.notes[0].Path} {
		if path != "H1:a" || unsafe.StringData(path) != unsafe.StringData(first) {
			t.Errorf("%q is not the memory of %q", path, first)
		}
	}
}

// TestChunksOnce: a chunk that was read twice is held once.
func TestChunksOnce(t *testing.T) {
	h := &holder{whole: inputOffsets{0: {4096}}}
	if chunks := h.chunksOf(&input{chunks: []evtx.Chunk{{Offset: 4096}, {Offset: 4096}}}); len(chunks) != 1 {
		t.Errorf("%v", chunks)
	}
}
