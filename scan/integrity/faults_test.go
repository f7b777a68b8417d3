package integrity_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/integrity"
)

// start is when the records of these tests were written.
var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// TestFaultWords: which number a structure claims, and which is so.
func TestFaultWords(t *testing.T) {
	early, late := event.FromTime(start), event.FromTime(start.Add(time.Hour))
	for _, c := range []struct {
		fault evtx.FormatError
		want  string
	}{
		{evtx.FormatError{Class: evtx.FileHeaderStale, What: "chunk count", Need: 3, Have: 1}, "chunk count at offset 0: the header says 1, the file holds 3"},
		{evtx.FormatError{Class: evtx.FileVersion, What: "format version (major)", Need: 3, Have: 9}, "format version (major) at offset 0: it is 9, where 3 belongs"},
		{evtx.FormatError{Class: evtx.FileTruncated, What: "chunk", Offset: 4096, Need: 65536, Have: 512}, "chunk at offset 4096: 512 of 65536 bytes are there"},
		{
			evtx.FormatError{Class: evtx.RecordBad, What: "record frame", Offset: 8, RecordID: 7, Need: 552, Have: 550},
			"record frame at offset 8, record 7: it says that it has 550 bytes, and has 552",
		},
		{
			evtx.FormatError{Class: evtx.RecordBad, What: "record frame", Offset: 8, RecordID: 7, Need: 552, Have: 552},
			"record frame at offset 8, record 7: it has the 552 bytes that it says it has, but its frame is damaged elsewhere",
		},
		{evtx.FormatError{Class: evtx.RecordResync, What: "record", Offset: 8, Have: 1}, "record at offset 8: 1 byte"},
		{
			evtx.FormatError{Class: evtx.TimeBackwards, What: "record", Offset: 8, From: late, To: early},
			fmt.Sprintf("record at offset 8: it is of %s, the one before it of %s", early, late),
		},
	} {
		if got := integrity.FaultDetail(&c.fault); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// classes returns the classes of faults that scan/evtx declares, one list for
// each block of constants.
func classes(t *testing.T) (blocks [][]evtx.Class) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../evtx/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		var block []evtx.Class
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, spec := range d.Specs {
				name, err := strconv.Unquote(spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				block = append(block, evtx.Class(name))
			}
			blocks = append(blocks, block)
		}
	}
	return blocks
}

// TestClasses: what each class of faults means is written, and those of the
// first block alone may have cost something.
func TestClasses(t *testing.T) {
	blocks := classes(t)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of classes", len(blocks))
	}
	for i, block := range blocks {
		for _, c := range block {
			if !integrity.HasMeaning(c) && c != evtx.ExportFingerprint {
				t.Errorf("%s has no meaning in faultMeanings", c)
			}
			if c.Loss() != (i == 0) {
				t.Errorf("%s stands in block %d of the classes, and Loss is %v", c, i+1, c.Loss())
			}
		}
	}
}

// TestFirstFaults: of many faults of one class the first ones of the file are
// kept, whatever the order in which its parts were read.
func TestFirstFaults(t *testing.T) {
	for seed := range uint64(20) {
		var faults []*evtx.FormatError
		for i := range 60 {
			faults = append(faults,
				&evtx.FormatError{Class: evtx.RecordBad, Offset: int64(i)},
				&evtx.FormatError{Class: evtx.FieldDamaged, Offset: int64(1000 + i)})
		}
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		var log integrity.FaultLog
		for _, f := range faults {
			log.Add(f)
		}
		for i, f := range log.Kept() {
			want := int64(i)
			if i >= 20 {
				want = int64(1000 + i - 20)
			}
			if f.Offset != want || i >= 40 {
				t.Fatalf("seed %d: fault %d is at offset %d, want %d", seed, i, f.Offset, want)
			}
		}
	}
}
