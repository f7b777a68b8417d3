package source_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/source"
)

// asNobody runs do without the rights of root, if it is root that runs the
// tests: root may read everything.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		if err := syscall.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

// TestUnreadable: a folder or file that may not be read costs itself and is
// told.
func TestUnreadable(t *testing.T) {
	tree(t, "logs/a.evtx", "logs/closed/b.evtx", "logs/secret.evtx")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for folder := here; folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod("logs/closed", 0), os.Chmod("logs/secret.evtx", 0)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod("logs/closed", 0o755)
	asNobody(t, func() {
		found, err := source.Find(t.Context(), []string{"logs"}, source.Options{})
		if err != nil || len(found.Inputs) != 2 || len(found.Skipped) != 1 || !found.Skipped[0].Unreadable || found.Skipped[0].Path != "logs/closed" {
			t.Errorf("%v, %v", found, err)
		}
		if _, err := source.Open("logs/secret.evtx"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("opening what may not be read: %v", err)
		}
		found, err = source.Find(t.Context(), []string{"logs/closed"}, source.Options{})
		if err != nil || len(found.Skipped) != 1 || !errors.Is(found.Skipped[0].Err, fs.ErrPermission) {
			t.Errorf("a closed folder by name: %v, %v", found.Skipped, err)
		}
	})
}

// TestOddNames: names that are no text, that a terminal would obey, or that
// look like a flag; a socket; links that go round in circles.
func TestOddNames(t *testing.T) {
	odd := []string{
		"logs/\xFF\xFE.evtx", "logs/a\nb.evtx", "logs/\x1b[31m.evtx", "logs/-rf.evtx", "logs/ .evtx", "logs/%4%s%n.EVTX",
		"logs/" + strings.Repeat("x", 250) + ".evtx", "logs/" + strings.Repeat("d/", 200) + "deep.evtx",
	}
	tree(t, odd...)
	socket, err := net.Listen("unix", "logs/socket.evtx")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	links := map[string]string{
		"logs/loop": ".", "logs/up": "..", "logs/d/cross": "../e", "logs/self": "self", "logs/gone.evtx": "nowhere", "logs/d/x": "../../logs/d",
	}
	for name, target := range links {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	inputs, skipped := find(t, "logs")
	slices.Sort(odd)
	if diff := cmp.Diff(odd, inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if len(skipped) != len(links)+1 {
		t.Errorf("skipped: %q", skipped)
	}
}

// TestNextData: a hole of a sparse file is told, if the file system has holes.
func TestNextData(t *testing.T) {
	t.Chdir(t.TempDir())
	const hole = 8 << 20
	f, err := os.Create("sparse")
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := f.WriteAt([]byte("head"), 0)
	_, err2 := f.WriteAt([]byte("tail"), hole)
	if err := errors.Join(err1, err2, f.Truncate(2*hole), f.Close()); err != nil {
		t.Fatal(err)
	}
	in, err := source.Open("sparse")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if got := in.NextData(0); got != 0 {
		t.Errorf("data at 0, told at %d", got)
	}
	if got := in.NextData(hole / 2); got != hole && got != hole/2 { // a file system without holes has data everywhere
		t.Errorf("data at %d, told at %d", hole, got)
	}
	if got := in.NextData(hole + 1<<20); got != 2*hole && got != hole+1<<20 {
		t.Errorf("no more data, told at %d", got)
	}
}
