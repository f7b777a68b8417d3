package evtx_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/evtx"
)

// TestRealAlarms counts what is said of real logs that would be a sign of
// tampering, and that damaged ones give no fewer records than any reader got
// out of them. Each was looked at: the times that run backwards are those of
// clocks that were set and of logs put together from several, the gaps those of
// chunks that were overwritten or damaged.
func TestRealAlarms(t *testing.T) {
	needCorpus(t)
	got := make(map[evtx.Class]int) // files by class
	for _, row := range readInventory(t) {
		data, err := os.ReadFile(filepath.Join(corpus, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		res, err := readLog(t, bytes.NewReader(data), int64(len(data)), processEvents)
		if err != nil {
			t.Errorf("%s: %v", row["path"], err)
			continue
		}
		seen := make(map[evtx.Class]bool)
		for _, f := range res.faults {
			switch f.Class {
			case evtx.RecordHidden, evtx.ChunkDuplicate, evtx.IDGap, evtx.TimeBackwards, evtx.ChunkResetWithData, evtx.TemplateSubstituted,
				evtx.ChunkHeaderInconsistent:
				if !seen[f.Class] {
					got[f.Class]++
					seen[f.Class] = true
				}
			}
		}
		for _, reader := range []string{"records_present", "n_python_evtx", "n_libevtx_evtxinfo", "n_libevtx_evtxexport", "n_golang_evtx", "n_velocidex"} {
			if n, err := strconv.Atoi(row[reader]); err == nil && res.stats.Records < n {
				t.Errorf("%s: %d records, %s %d; %v", row["path"], res.stats.Records, reader, n, res.faults)
			}
		}
	}
	want := map[evtx.Class]int{evtx.TimeBackwards: 8, evtx.IDGap: 3, evtx.TemplateSubstituted: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files with alarms (-want +got):\n%s", diff)
	}
}
