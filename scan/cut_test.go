package scan_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"webshellscan/scan"
)

// TestFoundPanic: a panic of what is given the records costs the one in hand,
// and is told.
func TestFoundPanic(t *testing.T) {
	given := 0
	res := mustScan(t, scan.Options{Paths: []string{shipped}, Crosscheck: -1, Found: func(r *scan.FoundRecord) error {
		switch given++; given {
		case 2:
			panic("one record")
		case 3:
			return errors.New("another record")
		}
		if r.Chunk == nil {
			t.Errorf("record %d has no chunk: %v", given, r.Err)
		}
		return nil
	}})
	want := 0
	for _, f := range res.Findings {
		want += len(f.Evidence)
	}
	if given < want || want < 4 {
		t.Errorf("%d records, want %d or more", given, want)
	}
	var told []string
	for _, c := range res.Summary.Crashes {
		told = append(told, c.Path+": "+c.Reason())
	}
	if all := strings.Join(told, "\n"); len(told) != 2 || !strings.Contains(all, "internal error: one record (") || !strings.Contains(all, "internal error: another record") {
		t.Errorf("crashes:\n%s", all)
	}
}

// TestFoundInterrupted: after the context is cancelled no record is read, and
// each of those says so.
func TestFoundInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped here")
	read, left := 0, 0
	res, err := scan.Scan(ctx, scan.Options{Paths: []string{shipped}, Crosscheck: -1, Found: func(r *scan.FoundRecord) error {
		cancel(stopped)
		switch {
		case r.Chunk != nil && r.Err == nil:
			read++
		case r.Chunk == nil && errors.Is(r.Err, stopped):
			left++
		default:
			t.Errorf("%d bytes, %v", len(r.Chunk), r.Err)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if read != 1 || left == 0 || !errors.Is(res.Summary.Interrupted, stopped) {
		t.Errorf("%d records were read, %d not; %v", read, left, res.Summary.Interrupted)
	}
}
