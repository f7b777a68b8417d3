package evtx

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// Donors holds template definitions, of all files of a scan, for records whose
// own definition is lost. The zero Donors is empty. Which definition stands for a
// template id does not depend on the order in which they came.
type Donors struct {
	byKey map[templateKey]*donor
}

// donor is a sound definition, apart from the chunk that it stood in. Nothing
// of it is changed any more.
type donor struct {
	template *template
	// unsure says that the chunk's checksums do not fit.
	unsure bool
	// content is the definition without what depends on its place in the chunk.
	content []byte
}

// maxDonors is how many definitions are kept: ten times as many as 905 files
// hold. Beyond it those of the smallest hash stay, whoever saw them first.
const maxDonors = 1 << 13

// better reports whether d is to be taken rather than other: one from a chunk
// whose checksums fit, else just the same one every time.
func (d *donor) better(other *donor) bool {
	if d.unsure != other.unsure {
		return other.unsure
	}
	return bytes.Compare(d.content, other.content) < 0
}

// put keeps a donor if it is the better one of its key.
func (d *Donors) put(key templateKey, new *donor) {
	if d.byKey == nil {
		d.byKey = make(map[templateKey]*donor)
	}
	if old := d.byKey[key]; old == nil || new.better(old) {
		d.byKey[key] = new
	}
	if len(d.byKey) > 2*maxDonors {
		d.prune()
	}
}

// prune keeps maxDonors keys.
func (d *Donors) prune() {
	keys := slices.SortedFunc(maps.Keys(d.byKey), func(a, b templateKey) int {
		return cmp.Or(cmp.Compare(a.hash(), b.hash()), cmp.Compare(a.id, b.id), cmp.Compare(a.place, b.place))
	})
	for _, key := range keys[min(len(keys), maxDonors):] {
		delete(d.byKey, key)
	}
}

func (k templateKey) hash() uint32 { return (k.id ^ uint32(k.place)<<24) * 0x9E3779B1 }

// Take adds the definitions that a reader has met since it was made. The reader
// must not be in use.
func (d *Donors) Take(r *Reader) {
	for key, new := range r.templates.donors.byKey {
		d.put(key, new)
	}
	d.prune()
}

// find returns the definition of a template id, nil if none is known.
func (d *Donors) find(id uint32, at place) *template {
	if d == nil {
		return nil
	}
	if found := d.byKey[templateKey{id, at}]; found != nil {
		return found.template
	}
	return nil
}

// donate offers a definition of the chunk at hand as a donor.
func (tc *templateCache) donate(key templateKey, t *template) {
	if t.failed != nil || t.suspect || t.unkept || t.offered == offeredSure || t.offered == offeredUnsure && tc.unsure {
		return
	}
	t.offered = offeredSure
	if tc.unsure {
		t.offered = offeredUnsure
	}
	tc.donors.put(key, &donor{t.clone(), tc.unsure, t.content()})
}

// Whether a template was offered as a donor.
const (
	offeredUnsure = iota + 1
	offeredSure
)

// clone returns a copy of t that shares nothing with it.
func (t *template) clone() *template {
	c := *t
	c.raw, c.refs, c.outside = bytes.Clone(t.raw), slices.Clone(t.refs), nil
	c.items, c.embeds, c.parts = slices.Clone(t.items), slices.Clone(t.embeds), slices.Clone(t.parts)
	c.substitutions = slices.Clone(t.substitutions)
	c.uses, c.usedIn, c.borrowed = 0, 0, true
	return &c
}

// content returns the definition's bytes without its links and name offsets,
// with the names that stand elsewhere behind them.
func (t *template) content() []byte {
	b := bytes.Clone(t.raw)
	clear(b[:definitionGUID])
	for _, ref := range t.refs {
		clear(b[ref.at : ref.at+4])
		if ref.outside < 0 {
			clear(b[ref.at+4 : ref.at+8])
		}
	}
	for i := range t.outside {
		b = append(append(b, t.outside[i].text...), 0, 0)
	}
	return b
}

// fits reports whether an instance with so many values can be one of t.
func (t *template) fits(values int) bool {
	for _, index := range t.substitutions {
		if int(index) >= values {
			return false
		}
	}
	return true
}
