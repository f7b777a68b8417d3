package exhibit_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	golangevtx "github.com/0xrawsec/golang-evtx/evtx"

	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/exhibit"
	"webshellscan/scan/finding"
)

// everything is a selection by which events list all that they say.
var everything = evtx.Select(event.Want{AllFields: true})

const shipped = "../../testdata/logs"

// cut scans and writes the records of findings to a folder.
func cut(t *testing.T, dir string, paths ...string) (*scan.Result, *exhibit.Manifest) {
	t.Helper()
	folder, err := exhibit.Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: paths, Crosscheck: -1, Found: func(r *scan.FoundRecord) error {
		return folder.Add(&exhibit.Record{Host: r.Host, Evidence: r.Evidence, Session: r.Session, Chunk: r.Chunk, Err: r.Err})
	}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := folder.Close(exhibit.Ending{})
	if err != nil {
		t.Fatal(err)
	}
	return res, m
}

// TestShipped: what is cut out of the shipped logs says the same as there to
// this program and to the second decoder, is sound in all its headers and
// checksums, and is what the manifest says.
func TestShipped(t *testing.T) {
	dir := t.TempDir()
	res, m := cut(t, dir, shipped)
	want := 0
	for _, f := range res.Findings {
		want += len(f.Evidence)
	}
	if len(m.Records) < want || want == 0 || m.Missing() > 0 {
		t.Fatalf("%d records, %d missing; want %d", len(m.Records), m.Missing(), want)
	}
	checkFiles(t, dir, m)
	check, decoder := crosscheck.New(), evtx.NewDecoder(everything)
	logs := make(map[string][]byte)
	for i := range m.Records {
		r := &m.Records[i]
		data := logs[r.Log]
		if data == nil {
			data = read(t, dir, r.Log)
			checkLog(t, r.Log, data)
			logs[r.Log] = data
		}
		chunk, at := recordOf(data, r.Number)
		check.Chunk(chunk)
		second := check.Check(at, r.RecordID)
		got, err := decoder.Whole(chunk, at)
		if err != nil {
			t.Fatalf("%s, record %d: %v", r.Log, r.Number, err)
		}
		text := said(got)
		original := read(t, "", r.Path)
		base := evtx.HeaderSize + (int(r.Offset)-evtx.HeaderSize)/evtx.ChunkSize*evtx.ChunkSize
		ours, err := decoder.Whole(original[base:base+evtx.ChunkSize], int(r.Offset)-base)
		check.Chunk(original[base : base+evtx.ChunkSize])
		if want := check.Check(int(r.Offset)-base, r.RecordID); want.Raw == nil || !reflect.DeepEqual(second, want) {
			t.Errorf("%s, record %d: %+v, want %+v", r.Log, r.Number, second, want)
		}
		if err != nil || said(ours) != text {
			t.Errorf("%s, record %d says\n%s\nwant (%v)\n%s", r.Log, r.Number, text, err, said(ours))
		}
	}
}

// TestPeer: golang-evtx, which believes the tables of chunks, reads every
// record.
func TestPeer(t *testing.T) {
	dir := t.TempDir()
	_, m := cut(t, dir, shipped)
	want := make(map[string]int)
	for i := range m.Records {
		want[m.Records[i].Log]++
	}
	for name, n := range want {
		log, err := golangevtx.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for ev := range log.Events() {
			if ev.EventRecordID() == 0 {
				t.Errorf("%s: an event without an ID", name)
			}
			got++
		}
		if got != n {
			t.Errorf("%s: %d events, want %d", name, got, n)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLibevtx: libevtx reads every record of the logs whose originals it reads:
// old versions do not know the forwarded events.
func TestLibevtx(t *testing.T) {
	program, err := exec.LookPath("evtxexport")
	if err != nil {
		t.Skip("no evtxexport (Debian: libevtx-utils)")
	}
	dir := t.TempDir()
	_, m := cut(t, dir, shipped)
	want, unreadable := make(map[string]int), make(map[string]bool)
	for i := range m.Records {
		r := &m.Records[i]
		if want[r.Log]++; want[r.Log] == 1 {
			unreadable[r.Log] = exec.Command(program, r.Path).Run() != nil
		}
	}
	for name, n := range want {
		if unreadable[name] {
			t.Logf("%s is not readable where it was", name)
			continue
		}
		out, err := exec.Command(program, filepath.Join(dir, filepath.FromSlash(name))).CombinedOutput()
		if got := strings.Count(string(out), "Event number\t"); err != nil || got != n || strings.Contains(string(out), "corrupt") {
			t.Errorf("%s: %d events, want %d (%v):\n%.500s", name, got, n, err, out)
		}
	}
}

// TestAgain: a scan of what was cut out finds the same processes.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	res, _ := cut(t, dir, shipped)
	again, err := scan.Scan(t.Context(), scan.Options{Paths: []string{filepath.Join(dir, "logs")}, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for i := range again.Forest.Hosts() {
		for p := range again.Forest.Processes(i) {
			found[p.Host().Name+p.Start().String()+again.Forest.Texts().Text(p.CommandLine())] = true
		}
	}
	for _, f := range res.Findings {
		if !found[f.Host+f.Time.String()+f.CommandLine] {
			t.Errorf("%s %s %q is not in what was cut out", f.Host, f.Time, f.CommandLine)
		}
	}
	for _, l := range again.Integrity {
		if l.Level.String() == "alarm" && !strings.Contains(l.Text, "cleared") {
			t.Errorf("%s: %s", l.Host, l.Text)
		}
	}
}

// said returns all that an event says.
func said(ev *event.Event) string {
	var b strings.Builder
	b.WriteString(ev.Provider.String() + ev.Time.String() + ev.Computer.String() + ev.Channel.String())
	for _, list := range []event.FieldList{ev.System(), ev.Payload()} {
		for _, f := range list {
			b.WriteString("\x00" + f.Name + "\x00" + f.Value.String())
		}
	}
	for _, f := range ev.Fields() {
		b.WriteString("\x00" + f.String() + "\x00" + ev.Value(f).String())
	}
	return b.String()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkFiles compares the files of a folder with its manifest.
func checkFiles(t *testing.T, dir string, m *exhibit.Manifest) {
	t.Helper()
	var written exhibit.Manifest
	if err := json.Unmarshal(read(t, dir, exhibit.ManifestName), &written); err != nil {
		t.Fatal(err)
	}
	if len(written.Records) != len(m.Records) || len(written.Files) != len(m.Files) {
		t.Error("the manifest on disk is another one")
	}
	var names []string
	for _, f := range m.Files {
		data := read(t, dir, f.File)
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(data)) != f.Size {
			t.Errorf("%s: hash or size is not that of the manifest", f.File)
		}
		names = append(names, f.File)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() && name != exhibit.ManifestName && !slices.Contains(names, filepath.ToSlash(name)) {
			t.Errorf("%s is not in the manifest", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recordOf returns the chunk with the record of a number, and where it is in
// it.
func recordOf(data []byte, number uint64) ([]byte, int) {
	for at := evtx.HeaderSize; at < len(data); at += evtx.ChunkSize {
		chunk := data[at : at+evtx.ChunkSize]
		for pos := 512; pos < int(binary.LittleEndian.Uint32(chunk[48:])); pos += int(binary.LittleEndian.Uint32(chunk[pos+4:])) {
			if binary.LittleEndian.Uint64(chunk[pos+8:]) == number {
				return chunk, pos
			}
		}
	}
	return nil, 0
}

// checkLog checks what Windows wants of a log: signatures, counts, checksums,
// the numbers of records, which follow each other, and the lists of names and
// definitions.
func checkLog(t *testing.T, name string, data []byte) {
	t.Helper()
	le := binary.LittleEndian
	chunks := (len(data) - evtx.HeaderSize) / evtx.ChunkSize
	if string(data[:8]) != "ElfFile\x00" || le.Uint32(data[124:]) != crc32.ChecksumIEEE(data[:120]) || int(le.Uint16(data[42:])) != chunks ||
		le.Uint64(data[16:]) != uint64(chunks-1) || len(data) != evtx.HeaderSize+chunks*evtx.ChunkSize {
		t.Errorf("%s: header is wrong", name)
	}
	next := uint64(1)
	for i := range chunks {
		c := data[evtx.HeaderSize+i*evtx.ChunkSize:][:evtx.ChunkSize]
		free := int(le.Uint32(c[48:]))
		sum := crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:512])
		if free > evtx.ChunkSize-64 {
			t.Errorf("%s: chunk %d is used up to %d: libevtx does not see its last record", name, i, free)
		}
		if string(c[:8]) != "ElfChnk\x00" || le.Uint32(c[52:]) != crc32.ChecksumIEEE(c[512:free]) || le.Uint32(c[124:]) != sum || le.Uint64(c[8:]) != next {
			t.Errorf("%s: header or checksum of chunk %d is wrong", name, i)
		}
		last := 0
		for at := 512; at < free; {
			size := int(le.Uint32(c[at+4:]))
			if string(c[at:at+4]) != "**\x00\x00" || le.Uint64(c[at+8:]) != next || size%8 != 0 || int(le.Uint32(c[at+size-4:])) != size {
				t.Fatalf("%s: record %d of chunk %d is wrong", name, next, i)
			}
			last = at
			at += size
			next++
		}
		if int(le.Uint32(c[44:])) != last || le.Uint64(c[16:]) != next-1 || le.Uint64(c[24:]) != le.Uint64(c[8:]) || le.Uint64(c[32:]) != next-1 {
			t.Errorf("%s: chunk %d does not count its records", name, i)
		}
		checkTables(t, name, c)
	}
	if le.Uint64(data[24:]) != next {
		t.Errorf("%s: next record is %d, want %d", name, le.Uint64(data[24:]), next)
	}
}

// checkTables follows the lists of names and definitions.
func checkTables(t *testing.T, name string, c []byte) {
	t.Helper()
	le := binary.LittleEndian
	names := 0
	for bucket := range 64 {
		for at := le.Uint32(c[128+4*bucket:]); at != 0; at = le.Uint32(c[at:]) {
			names++
			if int(le.Uint16(c[at+4:]))%64 != bucket || le.Uint32(c[at:]) >= at {
				t.Errorf("%s: name at %d is in the wrong list", name, at)
				return
			}
		}
	}
	definitions := 0
	for bucket := range 32 {
		for at := le.Uint32(c[384+4*bucket:]); at != 0; at = le.Uint32(c[at:]) {
			if definitions++; le.Uint32(c[at:]) >= at {
				t.Errorf("%s: definition at %d is in the wrong list", name, at)
				return
			}
		}
	}
	if names == 0 {
		t.Errorf("%s: no names", name)
	}
}

// record returns a record of the shipped logs, as that of a host and channel.
func record(t *testing.T, host, channel string, number uint64) *exhibit.Record {
	t.Helper()
	data := read(t, shipped, "WEB02/System.evtx")
	chunk := data[evtx.HeaderSize:][:evtx.ChunkSize]
	chunk, at := chunk, 512
	for range number {
		at += int(binary.LittleEndian.Uint32(chunk[at+4:]))
	}
	ev, err := evtx.NewDecoder(evtx.NewSelection(nil)).Whole(chunk, at)
	if err != nil {
		t.Fatal(err)
	}
	return &exhibit.Record{Host: host, Chunk: chunk, Evidence: finding.Evidence{
		File: "System.evtx", Offset: int64(evtx.HeaderSize + at), RecordID: ev.RecordID, Channel: channel,
		Place: event.Place{Chunk: evtx.HeaderSize, Offset: int64(evtx.HeaderSize + at)},
	}}
}

// add adds a record to a folder.
func add(t *testing.T, folder *exhibit.Folder, r *exhibit.Record) {
	t.Helper()
	if crash := folder.Add(r); crash != nil {
		t.Error(crash)
	}
}

// TestNames: whatever hosts and channels are called, nothing is written out of
// the folder, over something else, or to a device, and what differs in case
// only is two files.
func TestNames(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "out")
	folder, err := exhibit.Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"", "../../up", "/etc", `C:\x`, "CON", "con.corp", "WEB", "web", "Web.", "..", ".", "nul", "-rf", "a\x00b", strings.Repeat("w", 300), "日本", "LPT1 "}
	for _, host := range hosts {
		for _, channel := range []string{"", "../x", "a/b%4c", "a.evtx", "A", "a"} {
			add(t, folder, record(t, host, channel, 0))
			add(t, folder, record(t, host, channel, 0))
		}
	}
	m, err := folder.Close(exhibit.Ending{Interrupted: true})
	if err != nil {
		t.Fatal(err)
	}
	if m.Missing() > 0 || !m.Interrupted || !m.Incomplete {
		t.Errorf("%d records are missing", m.Missing())
	}
	checkFiles(t, dir, m)
	seen := make(map[string]bool)
	for _, f := range m.Files {
		for part := range strings.SplitSeq(f.File, "/") {
			first, _, _ := strings.Cut(strings.ToLower(part), ".")
			if part == ".." || strings.ContainsAny(part, "\\:*?\"<>|\x00 ") || strings.HasSuffix(part, ".") || len(part) > 100 || first == "con" || first == "nul" {
				t.Errorf("name %q", f.File)
			}
		}
		if seen[strings.ToLower(f.File)] {
			t.Errorf("two files %q", f.File)
		}
		seen[strings.ToLower(f.File)] = true
	}
	if entries, _ := os.ReadDir(above); len(entries) != 1 {
		t.Errorf("%d things above the folder", len(entries))
	}
}

// TestFolder: only a folder that is empty is taken.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	folder, err := exhibit.Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Close(exhibit.Ending{}); err != nil {
		t.Fatal(err)
	}
	if _, err := exhibit.Create(dir, "test"); !errors.Is(err, exhibit.ErrNotEmpty) {
		t.Errorf("a second time: %v", err)
	}
	made := filepath.Join(dir, "made")
	folder, err = exhibit.Create(made, "test")
	if err != nil {
		t.Fatal(err)
	}
	folder.Discard()
	if _, err := os.Stat(made); err == nil {
		t.Error("a discarded folder stays")
	}
}

// TestUnsound: of a record that is not sound the bytes are kept, and of one
// that cannot be read the reason.
func TestUnsound(t *testing.T) {
	dir := t.TempDir()
	folder, err := exhibit.Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	damaged := record(t, "A", "System", 1)
	damaged.Chunk = slices.Clone(damaged.Chunk)
	at := int(damaged.Offset) - evtx.HeaderSize
	copy(damaged.Chunk[at+40:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	add(t, folder, damaged)
	gone := record(t, "A", "System", 1)
	gone.Chunk, gone.Err = nil, context.Canceled
	add(t, folder, gone)
	add(t, folder, record(t, "A", "System", 2))
	m, err := folder.Close(exhibit.Ending{Inputs: []exhibit.Input{{Path: "System.evtx"}, {Path: "other"}}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Missing() != 2 || !m.Incomplete || m.Records[0].Raw == "" || m.Records[0].Error == "" || m.Records[1].Error != context.Canceled.Error() || len(m.Inputs) != 1 {
		t.Errorf("%+v", m)
	}
	if raw := read(t, dir, m.Records[0].Raw); string(raw) != string(damaged.Chunk[at:at+len(raw)]) || len(raw) == 0 {
		t.Error("the bytes of the damaged record are not kept")
	}
}

// TestManyRecords: a log of many chunks is sound, and has each record.
func TestManyRecords(t *testing.T) {
	dir := t.TempDir()
	folder, err := exhibit.Create(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	for i := range uint64(n) {
		add(t, folder, record(t, "A", "System", i%10))
	}
	m, err := folder.Close(exhibit.Ending{})
	if err != nil {
		t.Fatal(err)
	}
	data := read(t, dir, "logs/A/System.evtx")
	checkLog(t, "System.evtx", data)
	if len(m.Records) != n || m.Missing() > 0 || m.Incomplete || len(data) < evtx.HeaderSize+2*evtx.ChunkSize {
		t.Errorf("%d records, %d bytes", len(m.Records), len(data))
	}
}
