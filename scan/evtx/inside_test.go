package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
)

// TestMeaning: a definition means something else if it takes anything from
// elsewhere, and the same wherever it stands.
func TestMeaning(t *testing.T) {
	value := func(index uint16) textSource { return textSource{kind: sourceSubstitution, index: index} }
	base := func() *template {
		d := &template{
			raw:           []byte("abcdef"),
			items:         []item{{field: event.Image, name: textSource{kind: sourceLiteral, text: span{0, 2}}, value: value(3)}},
			parts:         []textPiece{{}, {textSource: value(4), next: 2}, {char: 'x'}},
			listed:        []listedField{{name: "Image", value: value(5)}},
			names:         []textSource{value(6)},
			embeds:        []embed{{index: 7, place: inData}},
			substitutions: []uint16{1, 2, 3},
		}
		d.system[sysEventID], d.system[sysComputer] = value(1), textSource{kind: sourceMixed, index: 1}
		return d
	}
	want := base().meaning()
	moved := base()
	moved.offset, moved.serial = 9, 9
	if moved.meaning() != want {
		t.Error("in another place it means something else")
	}
	for what, change := range map[string]func(*template){
		"the event ID is another value": func(d *template) { d.system[sysEventID].index = 2 },
		"the event ID has no source":    func(d *template) { d.system[sysEventID].kind = sourceNone },
		"a part is another value":       func(d *template) { d.parts[1].index = 5 },
		"a part is another character":   func(d *template) { d.parts[2].char = 'y' },
		"there are fewer parts":         func(d *template) { d.parts[1].next = 0 },
		"the field is another one":      func(d *template) { d.items[0].field = event.CommandLine },
		"its value is another one":      func(d *template) { d.items[0].value.index = 4 },
		"its name is another text":      func(d *template) { d.items[0].name.text.off = 2 },
		"its name has another length":   func(d *template) { d.items[0].name.text.size = 3 },
		"a listed name is another one":  func(d *template) { d.listed[0].name = "Hash!" },
		"a listed value is another one": func(d *template) { d.listed[0].value.index = 6 },
		"a listed name is a value":      func(d *template) { d.listed[0].names = 1 },
		"what is embedded is another":   func(d *template) { d.embeds[0].index = 8 },
		"it is embedded elsewhere":      func(d *template) { d.embeds[0].place = inOther },
		"another value is used":         func(d *template) { d.substitutions[0] = 4 },
		"a value is used once more":     func(d *template) { d.substitutions = append(d.substitutions, 3) },
	} {
		d := base()
		if change(d); d.meaning() == want {
			t.Errorf("%s, and it means the same", what)
		}
	}
}

// TestContradicts: a definition of a chunk whose checksum does not fit gives
// way to the best one of its kind if it is another one that no sound chunk has,
// and that is less sure; one of which nothing is known is left alone.
func TestContradicts(t *testing.T) {
	best := &poolEntry{template: &template{}, meaning: 1, sure: 0, unsure: 5}
	for what, tt := range map[string]struct {
		candidate *poolEntry
		known     bool
		want      bool
	}{
		"a name has not its hash":       {nil, false, false},
		"the same":                      {best, false, false},
		"another, which the pool lacks": {&poolEntry{meaning: 2}, false, true},
		"another, less sure":            {&poolEntry{meaning: 2, unsure: 4}, true, true},
		"another, as sure":              {&poolEntry{meaning: 2, unsure: 5}, true, false},
		"another, of a sound chunk":     {&poolEntry{meaning: 2, sure: 1}, true, false},
	} {
		d := &template{candidate: tt.candidate}
		pool := TemplatePool{byMeaning: map[poolKey]*poolEntry{{templateKey{}, 1}: best}}
		if tt.candidate != nil {
			tt.candidate.template = d
		}
		if tt.known {
			pool.byMeaning[poolKey{templateKey{}, tt.candidate.meaning}] = tt.candidate
		}
		if got := pool.contradicts(best, d); got != tt.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// TestValues: a value spec and its values lie before the end.
func TestValues(t *testing.T) {
	spec := []byte{2, 0, 0, 0, 2, 0, byte(event.TypeString), 0, 3, 0, byte(event.TypeBinary), 0, 'a', 0, 1, 2, 3}
	for _, tt := range []struct {
		data []byte
		end  int
		want error
	}{
		{spec, len(spec), nil},
		{spec, len(spec) - 1, ErrSize},
		{spec, 12, ErrSize},
		{spec, 11, ErrSize},
		{spec, 4, ErrSize},
		{spec, 3, ErrTruncated},
		{make([]byte, 8), 4, nil},
		{make([]byte, 8), 3, ErrTruncated}, // though what follows would be a count
		{make([]byte, 2), 2, ErrTruncated},
		{[]byte{255, 255, 255, 255}, 4, ErrBudget},
		{[]byte{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, nil}, // two without a value
		{[]byte{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 11, ErrSize},
	} {
		var d Decoder
		const before = 8
		data := append(make([]byte, before), tt.data...)
		if err := d.values(data, before, before+tt.end); !errors.Is(err, tt.want) {
			t.Errorf("% x up to %d: %v, want %v", tt.data, tt.end, err, tt.want)
		}
	}
	var d Decoder
	if err := d.values(spec, 0, len(spec)); err != nil || len(d.vals) != 2 || d.vals[1].off != 14 || d.vals[1].size != 3 {
		t.Errorf("values %v, %v", d.vals, err)
	}
}

// TestTimeAt: the time of a record is what it says if that can be.
func TestTimeAt(t *testing.T) {
	for year, sound := range map[int]bool{1999: false, 2026: true, 2101: false} {
		at := time.Date(year, 3, 2, 12, 0, 0, 0, time.UTC)
		file, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{evtxtest.NewEvent(at, "HOST", &evtxtest.ServiceState{})})
		if err != nil {
			t.Fatal(err)
		}
		want := event.Time(0)
		if sound {
			want = event.FromTime(at)
		}
		d := NewDecoder(NewSelection(nil))
		d.templates.begin(true)
		c, off := &chunkWalk{data: file.ChunkData(0)}, int(file.Chunks[0].Records[0].ChunkOffset)
		if got := d.timeAt(c, off); got != want {
			t.Errorf("%d: time %v, want %v", year, got, want)
		}
		if got := d.timeAt(c, off+8); got != 0 {
			t.Errorf("%d: time %v where no record begins", year, got)
		}
	}
}

// TestWindowBase: records without a chunk header in front of them, and without
// a definition that would tell, are of the chunk on the grid if its header has
// room before them, else of one whose header is in front of the first.
func TestWindowBase(t *testing.T) {
	w := window{data: make([]byte, 3*ChunkSize)}
	const grid = ChunkSize
	for _, tt := range []struct{ first, here, want int }{
		{grid + chunkHeaderSize, grid, grid},
		{grid + chunkHeaderSize + 1, grid, grid},
		{grid + chunkHeaderSize - 1, grid, grid - 1},
		{grid, grid, grid - chunkHeaderSize},
		{chunkHeaderSize - 1, 0, 0},
		{chunkHeaderSize, 0, 0},
		{chunkHeaderSize + 8, 16, 8},
	} {
		if got := w.base(tt.first, tt.here); got != tt.want {
			t.Errorf("records at %d, grid at %d: the chunk begins at %d, want %d", tt.first, tt.here, got, tt.want)
		}
	}
}

// TestSubstitutedBudget: what a record's templates take from its values is
// counted as often as it is used.
func TestSubstitutedBudget(t *testing.T) {
	for uses, want := range map[int]error{4: nil, 5: ErrBudget} {
		d := &Decoder{vals: []valueSpec{{size: ChunkSize - 1}}}
		used := &template{substitutions: make([]uint16, uses), raw: make([]byte, 4)}
		if err := d.checkSound(used, document{}); !errors.Is(err, want) {
			t.Errorf("%d uses: %v, want %v", uses, err, want)
		}
		if err := d.checkSound(&template{raw: make([]byte, 1)}, document{}); err == nil {
			t.Errorf("%d uses: another template is taken beyond the bound", uses)
		}
	}
	d := &Decoder{vals: []valueSpec{{size: 1}}}
	if err := d.checkSound(&template{substitutions: []uint16{1}}, document{}); err != nil {
		t.Errorf("a value that is not there: %v", err)
	}
}

// TestWholeIsSound: a record whose definition is lost is not given to others,
// nor is one with a value that is not what its type says.
func TestWholeIsSound(t *testing.T) {
	file := shapes(t)["live"]
	whole := func(chunk []byte, rec evtxtest.Record) error {
		_, err := NewDecoder(NewSelection(nil)).Whole(chunk, int(rec.ChunkOffset))
		return err
	}
	rec := file.Chunks[0].Records[0]
	if err := whole(file.ChunkData(0), rec); err != nil {
		t.Fatal(err)
	}
	lost := bytes.Clone(file.ChunkData(0))
	binary.LittleEndian.PutUint32(lost[rec.ChunkOffset+recordHead+4+6:], ChunkSize) // where its definition would be
	if err := whole(lost, rec); err == nil {
		t.Error("a record without its definition is sound")
	}
	if _, err := NewDecoder(NewSelection(nil)).Whole(file.ChunkData(0), -1); !errors.Is(err, ErrSize) {
		t.Errorf("before the chunk: %v", err)
	}
	if _, err := NewDecoder(NewSelection(nil)).Whole(file.ChunkData(0), ChunkSize+1); !errors.Is(err, ErrSize) {
		t.Errorf("behind the chunk: %v", err)
	}
}
