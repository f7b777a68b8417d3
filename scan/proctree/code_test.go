package proctree

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// example returns a collector with one row of each kind and two creations. In
// the first of a kind everything has a value of its own.
func example(texts *Texts) *Collector {
	c := NewCollector(texts)
	facet := func(field event.FieldID, text string) FacetID {
		return texts.facet([]fieldText{{field, texts.InternString(text)}})
	}
	origin := texts.facet([]fieldText{{event.Computer, texts.InternString("A")}, {event.Channel, texts.InternString("Security")}})
	*c.blocks.next() = creation{
		start: 5, created: 7, recordID: 9, offset: 4096 + 512, inChunk: 512, pid: 4, parentPID: 2, file: 1, origin: origin,
		image: facet(event.Image, `C:\a.exe`), logon: facet(event.User, `A\b`), parent: facet(event.ParentImage, `C:\p.exe`),
		commandLine: texts.InternString("a b"), currentDirectory: texts.InternString(`C:\d`), source: sourceSysmon, guid: event.GUID{1, 2}, parentGUID: event.GUID{1, 3}, marks: event.MarkHidden,
	}
	*c.blocks.next() = creation{
		start: 4, created: 4, recordID: 10, offset: 4096 + 1512, inChunk: 1512, pid: 5, parentPID: 4, file: 0, origin: origin, source: sourceSecurity,
		parentGUID: event.GUID{1, 2},
	}
	*c.endings.next() = ending{
		at: 8, created: 9, recordID: 11, pid: 4, file: 1, origin: origin, source: sourceSysmon, guid: event.GUID{1, 2},
		image: texts.InternString(`C:\e.exe`), marks: event.MarkRecovered,
	}
	c.marks = append(c.marks, mark{kind: markClock, at: 1, recordID: 3, file: 1, origin: origin, before: 3, after: 1})
	c.counts[origin] = &Counts{SysmonCreate: 1, SecurityCreate: 1}
	return c
}

// spell writes rows with the texts in place of their numbers. A field without a
// value is left out.
func spell(c *Collector) []string {
	var lines []string
	row := func(kind string, row any) {
		line := kind
		v := reflect.ValueOf(row)
		for i := range v.NumField() {
			value := any(v.Field(i))
			switch id := v.Field(i); id.Type() {
			case reflect.TypeFor[TextID]():
				value = c.texts.Text(TextID(id.Uint()))
			case reflect.TypeFor[FacetID]():
				value = nil
				for _, text := range c.texts.FacetTexts(nil, FacetID(id.Uint())) {
					value = fmt.Sprint(value, " ", c.texts.Text(text))
				}
			}
			if !v.Field(i).IsZero() {
				line += fmt.Sprintf(" %s=%v", v.Type().Field(i).Name, value)
			}
		}
		lines = append(lines, line)
	}
	for i := range c.blocks.len() {
		row("creation", *c.blocks.at(uint32(i)))
	}
	for i := range c.endings.len() {
		row("ending", *c.endings.at(uint32(i)))
	}
	for _, m := range c.marks {
		row("mark", m)
	}
	for _, n := range c.counts {
		row("counts", *n)
	}
	return lines
}

// TestCodeKeepsAll: what a row says is there when it is read, under each of its
// fields.
func TestCodeKeepsAll(t *testing.T) {
	from := example(NewTexts())
	for _, row := range []any{*from.blocks.at(0), *from.endings.at(0), from.marks[0]} {
		v := reflect.ValueOf(row)
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "next" {
				t.Errorf("%T: the example has no %s", row, name)
			}
		}
	}
	w := wire.NewWriter()
	CollectedRows([]*Collector{from}, from.texts).Code(w, from.texts, 2)
	rows, c := new(Rows), wire.NewReader(w.Data())
	to := NewCollector(NewTexts())
	to.texts.InternString("something else")
	rows.Code(c, to.texts, 2)
	if err := c.End(); err != nil {
		t.Fatal(err)
	}
	to.AddRows(rows, []uint32{0, 1})
	want, got := spell(from), spell(to)
	slices.Sort(want)
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-written +read):\n%s", diff)
	}
}

// TestCode: rows that are read are those that were written, in files of other
// numbers, and written again they have the same bytes.
func TestCode(t *testing.T) {
	written := func(c *Collector) []byte {
		w := wire.NewWriter()
		CollectedRows([]*Collector{c}, c.texts).Code(w, c.texts, 2)
		return w.Data()
	}
	read := func(data []byte, texts *Texts, inputs int) (*Rows, error) {
		rows, c := new(Rows), wire.NewReader(data)
		rows.Code(c, texts, inputs)
		return rows, c.End()
	}
	data := written(example(NewTexts()))
	other := NewTexts()
	other.InternString("something else")
	rows, err := read(data, other, 2)
	if err != nil {
		t.Fatal(err)
	}
	into := NewCollector(other)
	if into.AddRows(rows, []uint32{0, 1}); !bytes.Equal(written(into), data) {
		t.Error("written anew, the rows have other bytes")
	}
	for n := range data {
		if _, err := read(data[:n], NewTexts(), 2); err == nil {
			t.Errorf("%d of %d bytes are taken for the whole", n, len(data))
		}
	}
	if _, err := read(data, NewTexts(), 1); err == nil {
		t.Error("a row of an input that there is not is taken")
	}
}
