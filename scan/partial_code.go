package scan

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/source"
)

// partMeta is what a part of a partial result says of what was read, beside the
// rows of its events.
type partMeta struct {
	// program is the version that collected it.
	program string
	// label stands before all paths.
	label string
	// hashed says that inputs have hashes, interrupted that not all was
	// read.
	hashed, interrupted bool
	// recovered says that records were read that are no longer live.
	recovered bool
	// rules are the labels of the rules about events that were matched when
	// it was collected: other events are not in it.
	rules []string
	// hits are the records that those match, by the numbers of their
	// inputs.
	hits       []event.Place
	traced     map[string]*eventrule.Traced // the same of traces
	otherFiles int                          // files that are nothing to a scan
	hitsLost   int
	inputs     []*input
	containers []*input
	others     []*otherInput
	skipped    []source.Skipped
	notes      []source.Note
	signs      []eventrule.Sign // without their rules, which SignKey names
}

// otherInput is a log or a configuration of a web server.
type otherInput struct {
	source.Input
	fault string // why its content is not whole, "" if it is
	cut   bool   // a partial result holds no more than its beginning
}

// code writes or reads the whole of it.
func (m *partMeta) code(c *wire.Coder) {
	c.Text(&m.program)
	if c.Text(&m.label); !c.Writing() && CheckLabel(m.label) != nil {
		c.Fail("label")
	}
	c.Bool(&m.hashed)
	c.Bool(&m.interrupted)
	c.Bool(&m.recovered)
	c.Texts(&m.rules)
	codePlaces(c, &m.hits)
	wire.Map(c, &m.traced, 3, strings.Compare, func(computer *string, t **eventrule.Traced) {
		c.Text(computer)
		if !c.Writing() {
			*t = new(eventrule.Traced)
		}
		codePlaces(c, &(*t).Places)
		wire.Count(c, &(*t).Lost)
	})
	wire.Count(c, &m.otherFiles)
	wire.Count(c, &m.hitsLost)
	bounded(c, &m.inputs, leastInput, maxInputs, func(p **input) {
		if codeInput(c, p); !c.Writing() && (*p).evtx == nil && (*p).err == nil && (*p).complete() {
			c.Fail("input that was neither read nor refused")
		}
	})
	bounded(c, &m.containers, leastInput, maxInputs, func(p **input) { codeInput(c, p) })
	wire.List(c, &m.skipped, 3, func(s *source.Skipped) {
		c.Text(&s.Path)
		codeReason(c, &s.Err, s.Path)
		c.Bool(&s.Unreadable)
	})
	wire.List(c, &m.notes, 3, func(n *source.Note) {
		c.Text(&n.Path)
		c.Text(&n.Text)
		c.Bool(&n.Mismatch)
	})
	wire.List(c, &m.signs, 22, func(s *eventrule.Sign) { codeSign(c, s) })
	if !c.Writing() && !m.placed() {
		c.Fail("place of a record")
	}
}

const (
	// maxInputs bounds the inputs of a part, as much as a scan can hold.
	maxInputs = 1 << 20
	// leastInput is how many bytes an input takes at least.
	leastInput = 43
	// maxPlaces bounds the records of a part that rules match: 64 times as
	// many as maxHits.
	maxPlaces = 1 << 22
)

// bounded codes a list of no more elements than most, which take at least so
// many bytes each.
func bounded[T any](c *wire.Coder, list *[]T, least, most int, do func(*T)) {
	wire.List(c, list, least, func(e *T) {
		if len(*list) > most {
			c.Fail("more than a part may have")
			return
		}
		do(e)
	})
}

// codePlaces codes where records are, in the order of inputs and offsets.
func codePlaces(c *wire.Coder, list *[]event.Place) {
	var file uint32
	var offset int64
	bounded(c, list, 2, maxPlaces, func(p *event.Place) {
		wire.Delta(c, &file, &p.File)
		wire.Delta(c, &offset, &p.Offset)
	})
}

// placed reports whether the records that rules match are no more than
// maxPlaces, and all in inputs of the part.
func (m *partMeta) placed() bool {
	n := len(m.hits)
	beyond := func(p event.Place) bool { return int64(p.File) >= int64(len(m.inputs)) || p.Offset < 0 }
	for _, t := range m.traced {
		if n += len(t.Places); slices.ContainsFunc(t.Places, beyond) {
			return false
		}
	}
	return n <= maxPlaces && !slices.ContainsFunc(m.hits, beyond)
}

// cutPlaces keeps maxPlaces of the records that rules match, and counts the
// others as lost.
func (m *partMeta) cutPlaces() {
	left := maxPlaces
	keep := func(list []event.Place, lost *int) []event.Place {
		n := min(left, len(list))
		left -= n
		*lost += len(list) - n
		return list[:n]
	}
	m.hits = keep(m.hits, &m.hitsLost)
	for _, computer := range slices.Sorted(maps.Keys(m.traced)) {
		t := m.traced[computer]
		t.Places = keep(t.Places, &t.Lost)
	}
}

// codeOthers writes or reads the logs and configurations of web servers.
func (m *partMeta) codeOthers(c *wire.Coder) {
	bounded(c, &m.others, 8, maxInputs, func(p **otherInput) {
		if !c.Writing() {
			*p = new(otherInput)
		}
		codeSource(c, &(*p).Input)
		c.Text(&(*p).fault)
	})
}

// codeSign codes a sign without its rule.
func codeSign(c *wire.Coder, s *eventrule.Sign) {
	c.Text(&s.Rule)
	c.Text(&s.Computer)
	c.Fixed(s.GUID[:])
	wire.Num(c, &s.PID)
	c.Text(&s.Image)
	wire.Num(c, &s.Hour)
	wire.Num(c, &s.At)
}

// codeReason codes why something is not as it should be. Of an error its text
// is kept, without the path that stands before it.
func codeReason(c *wire.Coder, err *error, path string) {
	text := ""
	if *err != nil {
		text = FileError{path, *err}.Reason()
	}
	if c.Text(&text); !c.Writing() {
		if *err = nil; text != "" {
			*err = errors.New(text)
		}
	}
}

// codeSource codes what is known of an input without reading it.
func codeSource(c *wire.Coder, in *source.Input) {
	c.Text(&in.Path)
	if wire.Num(c, &in.Size); in.Size < -1 {
		c.Fail("size")
	}
	c.Bool(&in.Named)
	codeKind(c, &in.Kind)
	has := in.Origin != nil
	if c.Bool(&has); has {
		if in.Origin == nil {
			in.Origin = new(source.Origin)
		}
		codeOrigin(c, in.Origin)
	}
	carved := in.Stretches != nil
	if c.Bool(&carved); carved && in.Stretches == nil {
		in.Stretches = []source.Stretch{}
	}
}

func codeKind(c *wire.Coder, k *source.Kind) {
	c.Text(&k.Name)
	wire.Num(c, &k.Class)
}

func codeOrigin(c *wire.Coder, o *source.Origin) {
	c.Text(&o.Container)
	c.Text(&o.Member)
	volume := -1
	if o.Volume != nil {
		volume = *o.Volume
	}
	if wire.Num(c, &volume); !c.Writing() && volume >= 0 {
		o.Volume = &volume
	}
	wire.Num(c, &o.Snapshot)
	c.Bool(&o.Deleted)
	c.Bool(&o.Overwritten)
	c.Bool(&o.Carved)
	c.Texts(&o.Links)
}

// codeInput codes an input with what reading it left behind.
func codeInput(c *wire.Coder, p **input) {
	if !c.Writing() {
		*p = &input{restored: true}
	}
	in := *p
	codeSource(c, &in.Input)
	opened := in.evtx != nil
	var size int64
	if opened {
		size = in.evtx.Size()
	}
	if c.Bool(&opened); opened {
		if wire.Num(c, &size); size < 0 {
			c.Fail("size")
		}
		if !c.Writing() {
			in.evtx = evtx.Raw(nil, size)
		}
	}
	whole := in.complete()
	if c.Bool(&whole); !c.Writing() {
		in.cut = !whole
	}
	in.codeState(c)
	in.stats.Code(c)
	in.faults.Code(c)
	c.Uint(&in.missing.Records)
	c.Uint(&in.missing.FirstID)
	wire.Count(c, &in.missing.Chunks)
	evtx.CodeChunks(c, &in.chunks)
	evtx.CodeDeferred(c, &in.deferred)
	wire.List(c, &in.order, 10, func(f **evtx.FormatError) { evtx.CodeFault(c, f) })
	c.Texts(&in.crashes)
	in.codeExport(c)
}

// codeState codes what an input is, and why it was not read.
func (in *input) codeState(c *wire.Coder) {
	codeReason(c, &in.err, in.Path)
	codeKind(c, &in.kind)
	codeReason(c, &in.changed, in.Path)
	sum, err := in.digest()
	if c.Text(&sum); len(sum) > 2*32 {
		c.Fail("hash")
	}
	if codeReason(c, &err, in.Path); !c.Writing() {
		in.sum, in.sumErr = sum, err
	}
}

// codeExport codes what an export held.
func (in *input) codeExport(c *wire.Coder) {
	if wire.Num(c, &in.form); in.form > export.JSON {
		c.Fail("form of an export")
	}
	if in.form == export.None {
		return
	}
	wire.Count(c, &in.exported.Records)
	wire.Count(c, &in.exported.Bad)
	codeReason(c, &in.exported.FirstBad, in.Path)
	wire.Count(c, &in.exported.LocalTimes)
	wire.List(c, &in.exported.Gaps, 5, func(g *export.Gap) {
		c.Text(&g.Computer)
		c.Text(&g.Channel)
		c.Uint(&g.Missing)
		wire.Num(c, &g.From)
		wire.Num(c, &g.To)
	})
	codeReason(c, &in.exportErr, in.Path)
}

// under puts a label before the paths of a part.
func (m *partMeta) under() {
	if m.label == "" {
		return
	}
	labelled := make(map[string]string) // each path once: few bytes may name one very often
	at := func(path *string) {
		with, known := labelled[*path]
		if !known {
			with = m.label + ":" + *path
			labelled[*path] = with
		}
		*path = with
	}
	of := func(in *source.Input) {
		at(&in.Path)
		if in.Origin != nil {
			at(&in.Origin.Container)
		}
	}
	for _, in := range slices.Concat(m.inputs, m.containers) {
		of(&in.Input)
	}
	for _, in := range m.others {
		of(&in.Input)
	}
	for i := range m.skipped {
		at(&m.skipped[i].Path)
	}
	for i := range m.notes {
		at(&m.notes[i].Path)
	}
}

// CheckLabel returns an error if a text cannot be the label of a partial
// result.
func CheckLabel(label string) error {
	const most = 128
	if len(label) > most || strings.ContainsAny(label, "/\\:") || strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return errors.New("a label is a short name, without slashes, colons and control characters")
	}
	return nil
}
