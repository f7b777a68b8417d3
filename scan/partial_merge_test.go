package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"webshellscan/internal/work"
	"webshellscan/scan/evtx"
	"webshellscan/scan/partial"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/webrequest"
)

// sections are those of the one part of a partial result, unpacked.
type sections []partSection

type partSection struct {
	kind partial.Kind
	data []byte
}

// partOf collects what some paths hold.
func partOf(tb testing.TB, paths ...string) sections {
	tb.Helper()
	var out bytes.Buffer
	if _, err := Collect(tb.Context(), Options{Paths: paths, Goroutines: 2, Version: "test"}, "", &out); err != nil {
		tb.Fatal(err)
	}
	f, err := partial.Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil || len(f.Parts) != 1 {
		tb.Fatal(err)
	}
	var list sections
	p := f.Parts[0]
	for i := range p.Sections {
		r, err := p.Open(&p.Sections[i])
		if err != nil {
			tb.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			tb.Fatal(err)
		}
		list = append(list, partSection{p.Sections[i].Kind, data})
	}
	return list
}

// sealed returns a file of the sections, with checksums that fit.
func (s sections) sealed(tb testing.TB) []byte {
	tb.Helper()
	w, err := partial.NewWriter()
	if err != nil {
		tb.Fatal(err)
	}
	for _, section := range s {
		if _, err := w.Add(section.kind, bytes.NewReader(section.data)); err != nil {
			tb.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := w.WriteTo(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// merging are what partial results are read with, the rules being loaded once.
type merging struct {
	sets  *ruleLoading
	rules *loadedRules
}

func newMerging(tb testing.TB) *merging {
	tb.Helper()
	m := &merging{sets: startLoading(context.Background(), new(Options), func() {})}
	if m.rules = <-m.sets.done; m.rules.err != nil {
		tb.Fatal(m.rules.err)
	}
	return m
}

// read reads a file as a scan does up to the trees.
func (m *merging) read(tb testing.TB, data []byte) *firstPass {
	tb.Helper()
	in := source.Input{Path: "x.wsp", Kind: source.KindPartial}.From(func() (*source.File, error) {
		return source.NewFile(bytes.NewReader(data), int64(len(data)), nil, nil), nil
	})
	found := source.Found{Others: []source.Input{in}}
	r := newFirstPass(&found, &Options{Goroutines: 1})
	defer r.addPartials(found.Others, "test").Close()
	r.number()
	r.planEvents(m.sets, false)
	r.collect(tb.Context())
	r.merge(tb.Context(), m.sets, new(Options))
	return r
}

// merge reads a file, makes the trees, and returns what is said of what was
// read, and of what was not.
func (m *merging) merge(tb testing.TB, data []byte) string {
	tb.Helper()
	r := m.read(tb, data)
	forest, err := proctree.Build(tb.Context(), r.texts, r.collectors, r.computers(), 1)
	if err != nil {
		tb.Fatal(err)
	}
	res := &Result{Forest: forest, inputs: r.inputs, web: webrequest.New(forest, false), Summary: summarize(r, forest, m.rules.rules)}
	res.assessLogs(r, new(Options), r.notes)
	res.web.AddEventLogs(res.eventLogs(nil))
	said := fmt.Sprintf("%+v %d %d", res.Summary.Events, res.Summary.Records, len(res.Coverage))
	for _, in := range r.inputs {
		said += fmt.Sprint(in.Path, in.err, in.crashes)
		if crash, ok := errors.AsType[*work.Panic](in.err); ok {
			tb.Fatal(crash)
		}
		if len(in.crashes) > 0 {
			tb.Fatal(in.crashes)
		}
		in.readHeld(r)
	}
	for _, s := range r.skipped {
		said += fmt.Sprint(s.Path, s.Err)
		if crash, ok := errors.AsType[*work.Panic](s.Err); ok {
			tb.Fatal(crash)
		}
	}
	return said
}

// readHeld reads what is held of the input, as the story and the second decoder
// do.
func (in *input) readHeld(r *firstPass) {
	if in.err != nil || in.evtx == nil {
		return
	}
	file, err := in.Open()
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	for i := range in.held.sections {
		for _, at := range in.held.sections[i].chunks {
			chunk := make([]byte, evtx.ChunkSize)
			_, _ = file.ReadAt(chunk, at) // it is the reading that must not fail
		}
	}
}

// mutate changes some of the sections: bytes, numbers, lengths, what comes
// twice.
func (s sections) mutate(random *rand.Rand) sections {
	out := make(sections, len(s))
	copy(out, s)
	for range 1 + random.IntN(3) {
		i := random.IntN(len(out))
		data := bytes.Clone(out[i].data)
		at := random.IntN(len(data) + 1)
		switch random.IntN(7) {
		case 0: // cut
			data = data[:at]
		case 1: // a number as large as there is
			data = append(data[:at:at], append(bytes.Repeat([]byte{0xFF}, 1+random.IntN(9)), data[at:]...)...)
		case 2: // something twice
			from := random.IntN(at + 1)
			data = append(data[:at:at], data[from:]...)
		case 3: // one section for another
			data = bytes.Clone(out[random.IntN(len(out))].data)
		case 4:
			out[i].kind = partial.Kind(random.IntN(9))
		default:
			if at < len(data) {
				data[at] = byte(random.Uint32())
			}
		}
		out[i].data = data
	}
	return out
}

const shippedHost = "../testdata/logs/WEB02"

// TestHostilePartial: whatever is in the sections of a partial result whose
// checksums fit, reading it neither panics nor loses something without a word:
// what it says is what the sound one says, or that something is wrong. A
// changed file is refused, or says the same. WEBSHELLSCAN_MUTATIONS is how many
// there are, else few.
func TestHostilePartial(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	count := 60
	if n, err := strconv.Atoi(os.Getenv("WEBSHELLSCAN_MUTATIONS")); err == nil {
		count = n
	}
	m := newMerging(t)
	sound := partOf(t, shippedHost)
	file := sound.sealed(t)
	want := m.merge(t, file)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range count {
		if i%2 == 0 {
			m.merge(t, sound.mutate(random).sealed(t))
			continue
		}
		changed := bytes.Clone(file)
		if at := random.IntN(len(changed)); random.IntN(4) == 0 {
			changed = changed[:at]
		} else {
			changed[at] ^= byte(1 + random.IntN(255))
		}
		if said := m.merge(t, changed); said != want && !bytes.Contains([]byte(said), []byte("refused")) {
			t.Fatalf("mutation %d is neither refused nor equal:\n%s", i, said)
		}
	}
}

// FuzzPartial: a section of any bytes makes nothing panic.
func FuzzPartial(f *testing.F) {
	sound := partOf(f, shippedHost)
	for i, s := range sound {
		if len(s.data) < 64<<10 && i < 12 {
			f.Add(uint8(i), s.data)
		}
	}
	m := newMerging(f)
	f.Fuzz(func(t *testing.T, at uint8, data []byte) {
		changed := make(sections, len(sound))
		copy(changed, sound)
		changed[int(at)%len(changed)].data = data
		m.merge(t, changed.sealed(t))
	})
}
