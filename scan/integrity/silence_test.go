package integrity

import (
	"slices"
	"testing"

	"webshellscan/scan/event"
)

// TestTimelineBackwards: the first creation is the earliest, also where records
// that come later are older.
func TestTimelineBackwards(t *testing.T) {
	base := event.FromUnix(1_700_000_000)
	var line timeline
	for _, at := range []event.Time{base, base + event.Minute, base - event.Hour, base - event.Minute} {
		line.add(at, false)
	}
	if line.first != base-event.Hour || line.last != base+event.Minute || line.count != 4 {
		t.Errorf("from %v to %v, %d creations", line.first, line.last, line.count)
	}
	if want := []silence{{base - event.Hour, base, false}}; !slices.Equal(line.silences, want) {
		t.Errorf("silences %v, want %v", line.silences, want)
	}
}
