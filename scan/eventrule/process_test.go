package eventrule_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
)

// TestShownByTime: of the processes with an ID and an image, a sign is of the
// one that began last before it. What began before very many others of its ID
// is not looked at: time must not grow with the square of a log.
func TestShownByTime(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var list []evtxtest.Event
	add := func(second int, image string) {
		ev := evtxtest.NewEvent(start.Add(time.Duration(second)*time.Second), "SHOP", &evtxtest.ProcessCreated{NewProcessID: 100, NewProcessName: image, ProcessID: 4})
		ev.RecordID = uint64(len(list) + 1)
		list = append(list, ev)
	}
	const first, other = `C:\first.exe`, `C:\other.exe`
	add(0, first)
	for i := range eventrule.MaxSamePID {
		add(10*(i+1), other)
	}
	file, err := evtxtest.Build(evtxtest.Options{}, list)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "Security.evtx")
	if err := os.WriteFile(path, file.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	processes := eventrule.NewShown(res.Forest, 0, nil)
	origin := event.FromTime(start)
	const none = -1
	for _, tt := range []struct {
		image    string
		at, want int // seconds
	}{
		{other, 5, none},
		{other, 10, 10},
		{other, 9, 10},
		{other, 8, none},
		{other, 57, 50},
		{other, 1e6, 10 * eventrule.MaxSamePID},
		{first, 0, 0},
		{first, 57, 0},
		{first, -5, none},
		{first, 10*eventrule.MaxSamePID - 5, 0},
		{first, 10 * eventrule.MaxSamePID, none},
		{"third.exe", 57, none},
	} {
		s := eventrule.Sign{SignKey: eventrule.SignKey{PID: 100, Image: tt.image}, At: origin + event.Time(tt.at)*event.Second}
		got := none
		if p := processes.Process(&s); p.Exists() {
			got = int((p.Start() - origin) / event.Second)
		}
		if got != tt.want {
			t.Errorf("%s at %d s: the process of %d s, want %d", tt.image, tt.at, got, tt.want)
		}
	}
}
