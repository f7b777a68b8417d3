// Package exhibit cuts the records out of logs that findings rest on, to be
// handed on as evidence: each as XML, and those of a host and channel as an
// event log that any viewer opens, with a manifest of where each lay and of the
// hashes of all.
//
// No name of the evidence becomes a path as it is, and nothing that is there
// already is written to.
package exhibit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"

	"webshellscan/internal/outdir"
	"webshellscan/internal/work"
	"webshellscan/scan/binxml"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
	"webshellscan/scan/source"
)

// ManifestName is the name of the manifest in the folder. It is written last: a
// folder without one is not whole.
const ManifestName = outdir.ManifestName

// ErrNotEmpty: the folder has something in it already.
var ErrNotEmpty = errors.New("is not empty")

// Record is a record that findings rest on.
type Record struct {
	Host string
	finding.Evidence
	// Session is the key of the session that the findings are of, Rules are
	// the names of the rules that matched.
	Session string
	Rules   []string
	// Chunk is the chunk that the record lies in, from its start on. It is
	// nil if it cannot be read, and Err says why.
	Chunk []byte
	Err   error
}

// Manifest lists what was written. It is what ManifestName holds as JSON.
type Manifest struct {
	Version string `json:"version"`
	// Files are those written, but for the manifest itself.
	Files   []File  `json:"files"`
	Records []Entry `json:"records"`
	// Inputs are the files that the records are of.
	Inputs []Input `json:"inputs"`
	// XMLLeft counts the records whose XML was left out, as that of all is
	// bounded.
	XMLLeft int `json:"xml_left_out"`
	// Interrupted is set if the logs were not read to their ends.
	Interrupted bool `json:"interrupted"`
	// Incomplete is set if the records are not all that there should be.
	Incomplete bool `json:"incomplete"`
}

// Ending is how a scan ended.
type Ending struct {
	// Inputs are those of the scan.
	Inputs []Input
	// Interrupted is set if the logs were not read to their ends, Crashed
	// if an error of this program may have cost records.
	Interrupted, Crashed bool
}

// File is a file of the folder, Size in bytes and SHA256 in hexadecimal digits.
type File struct {
	File   string `json:"file"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Input is a file that records are of. SHA256 is "" if it was not taken.
type Input struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

// Entry is a record of the manifest.
type Entry struct {
	Host     string   `json:"host"`
	Channel  string   `json:"channel"`
	EventID  uint16   `json:"event_id"`
	RecordID uint64   `json:"record_id"`
	Time     string   `json:"time"`
	Session  string   `json:"session"`
	Rules    []string `json:"rules"`
	// Path is the log that it lay in, Offset where, in bytes from its
	// start. SHA256 is of its bytes there.
	Path   string `json:"path"`
	Offset int64  `json:"offset"`
	SHA256 string `json:"sha256,omitempty"`
	*source.Origin
	Recovered bool `json:"recovered,omitempty"`
	// Log is the log that was written with it, and Number that of the
	// record there. XML is the file with its XML, Raw one with its bytes if
	// they are no sound record.
	Log    string `json:"log,omitempty"`
	Number uint64 `json:"number,omitempty"`
	XML    string `json:"xml,omitempty"`
	Raw    string `json:"raw,omitempty"`
	// Error is why it is in no log, or has no XML.
	Error string `json:"error,omitempty"`
}

// Missing returns how many records are in no log that was written.
func (m *Manifest) Missing() int {
	missing := 0
	for i := range m.Records {
		if m.Records[i].Log == "" {
			missing++
		}
	}
	return missing
}

// Folder is a folder that records are written to. It is for one goroutine.
type Folder struct {
	dir      string
	made     bool
	root     *os.Root
	names    names
	decoder  *evtx.Decoder
	manifest Manifest
	begun    bool
	host     string // whose records are being written
	channel  string
	hostName string // what the host is called in the folder
	place    string // what the channel is called, below the host
	file     *os.File
	log      *log
	xmlRoom  int64 // bytes that there may be more of XML
	err      error // the first of writing
	closed   bool
}

// maxFolderXML is how many bytes the XML of all records may have: a small
// record may be megabytes of it.
const maxFolderXML = 4 << 30

// errFolderXML is why there is no XML of a record.
var errFolderXML = fmt.Errorf("the XML of all records is more than %d GiB: this one is in the log only", maxFolderXML>>30)

// Create makes the folder, or uses one that is empty. version is that of the
// program. It returns ErrNotEmpty if something is in it.
func Create(dir, version string) (*Folder, error) {
	_, statErr := os.Lstat(dir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return nil, fmt.Errorf("%s %w", dir, ErrNotEmpty)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{
		dir: dir, made: statErr != nil, root: root, names: make(names), decoder: newDecoder(), xmlRoom: maxFolderXML,
		manifest: Manifest{Version: version, Files: []File{}, Records: []Entry{}, Inputs: []Input{}},
	}, nil
}

func newDecoder() *evtx.Decoder { return evtx.NewDecoder(evtx.NewSelection(nil)) }

// Add writes a record. Those of one host and channel come one after another. An
// error of writing is returned by Close. A panic costs the record: it stands in
// its entry, and is returned.
func (f *Folder) Add(r *Record) (crash error) {
	if f.err != nil {
		return nil
	}
	e := Entry{
		Host: r.Host, Channel: r.Channel, EventID: r.EventID, RecordID: r.RecordID, Time: r.Time.String(), Session: r.Session, Rules: r.Rules,
		Path: r.File, Offset: r.Offset, Origin: r.Origin, Recovered: r.Recovered,
	}
	var err error
	crash = work.Guard(func() {
		f.begin(r)
		err = f.write(&e, r)
	})
	if crash != nil {
		f.decoder, err = newDecoder(), fmt.Errorf("internal error: %w", crash)
	}
	if err != nil {
		e.Error = err.Error()
	}
	f.manifest.Records = append(f.manifest.Records, e)
	return crash
}

// begin makes the host and channel of a record those in hand.
func (f *Folder) begin(r *Record) {
	if f.begun && r.Host == f.host && r.Channel == f.channel {
		return
	}
	f.finishLog()
	if !f.begun || r.Host != f.host {
		f.hostName = f.names.reserve("", safe(cmp.Or(r.Host, "no host")), "")
	}
	f.begun, f.host, f.channel = true, r.Host, r.Channel
	f.place = path.Join(f.hostName, f.names.reserve(f.hostName, safe(cmp.Or(r.Channel, "no channel")), ""))
}

// logName returns the name of the log in hand.
func (f *Folder) logName() string { return path.Join("logs", f.place+".evtx") }

// write writes a record as XML and to the log of its channel. The error says
// why it is not in the log.
func (f *Folder) write(e *Entry, r *Record) error {
	if r.Chunk == nil {
		return r.Err
	}
	at := int(r.Offset - r.Place.Chunk)
	raw := recordAt(r.Chunk, at)
	if raw == nil {
		return errors.New("no record is there any more")
	}
	sum := sha256.Sum256(raw)
	e.SHA256 = hex.EncodeToString(sum[:])
	doc, err := f.parse(r, at, len(raw))
	if err != nil {
		e.Raw = f.create(r.RecordID, ".record", raw)
		return err
	}
	noXML := f.writeXML(e, doc, raw)
	if f.log == nil {
		f.beginLog()
	}
	if f.err != nil {
		return f.err
	}
	e.Number, err = f.log.add(doc, binary.LittleEndian.Uint64(raw[16:]))
	switch {
	case errors.Is(err, errTooLong):
		if e.Raw == "" {
			e.Raw = f.create(r.RecordID, ".record", raw)
		}
		return err
	case err != nil:
		f.fail(err) // what was written before may be lost with it
		return err
	}
	e.Log = f.logName()
	return noXML
}

// writeXML writes a record as XML, and as its bytes if that is too long. The
// error says why there is no XML, which is no reason to keep the record out of
// the log.
func (f *Folder) writeXML(e *Entry, doc *binxml.Document, raw []byte) error {
	text, err := doc.XML()
	if err != nil {
		e.Raw = f.create(e.RecordID, ".record", raw)
		return err
	}
	if int64(len(text)) >= f.xmlRoom {
		f.manifest.XMLLeft++
		return errFolderXML
	}
	f.xmlRoom -= int64(len(text)) + 1
	e.XML = f.create(e.RecordID, ".xml", append(text, '\n'))
	return nil
}

// parse returns a record's document if all of the record is sound, and it is
// the one that was found.
func (f *Folder) parse(r *Record, at, size int) (*binxml.Document, error) {
	ev, err := f.decoder.Whole(r.Chunk, at)
	if err != nil {
		return nil, fmt.Errorf("the record is not sound: %w", err)
	}
	if ev.RecordID != r.RecordID {
		return nil, fmt.Errorf("the file changed: record %d stands in its place", ev.RecordID)
	}
	return binxml.Parse(r.Chunk, at+recordHead, at+size-recordTail)
}

// recordAt returns the bytes of the record at an offset of a chunk, nil if
// there is none.
func recordAt(chunk []byte, at int) []byte {
	if at < 0 || at > len(chunk)-recordHead-recordTail || string(chunk[at:at+4]) != recordSignature {
		return nil
	}
	size := int(binary.LittleEndian.Uint32(chunk[at+4:]))
	if size < recordHead+recordTail || size > len(chunk)-at {
		return nil
	}
	return chunk[at : at+size]
}

// create writes a file of a record and returns its name.
func (f *Folder) create(id uint64, ending string, data []byte) string {
	folder := path.Join("records", f.place)
	name := path.Join(folder, f.names.reserve(folder, strconv.FormatUint(id, 10), ending))
	sum := sha256.Sum256(data)
	f.fail(f.root.MkdirAll(folder, 0o777))
	file, err := outdir.Create(f.root, name)
	if err != nil {
		f.fail(err)
		return ""
	}
	_, err = file.Write(data)
	f.fail(errors.Join(err, file.Close()))
	f.manifest.Files = append(f.manifest.Files, File{name, int64(len(data)), hex.EncodeToString(sum[:])})
	return name
}

// fail keeps the first error of writing.
func (f *Folder) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// beginLog creates the log of the channel in hand.
func (f *Folder) beginLog() {
	f.fail(f.root.MkdirAll(path.Dir(f.logName()), 0o777))
	file, err := outdir.Create(f.root, f.logName())
	if err != nil {
		f.fail(err)
		return
	}
	f.file = file
	f.log, err = newLog(file)
	f.fail(err)
}

// finishLog closes the log in hand, if there is one, and computes its hash.
func (f *Folder) finishLog() {
	if f.file == nil {
		return
	}
	err := f.log.close()
	sum := sha256.New()
	_, seekErr := f.file.Seek(0, io.SeekStart)
	size, readErr := io.Copy(sum, f.file)
	f.fail(errors.Join(err, seekErr, readErr, f.file.Close()))
	f.manifest.Files = append(f.manifest.Files, File{f.logName(), size, hex.EncodeToString(sum.Sum(nil))})
	f.file, f.log = nil, nil
}

// Close writes the manifest and returns it. Of the inputs those are kept that
// records are of.
func (f *Folder) Close(end Ending) (*Manifest, error) {
	f.closed = true
	f.finishLog()
	m := &f.manifest
	m.Interrupted = end.Interrupted
	m.Incomplete = end.Interrupted || end.Crashed || m.Missing() > 0
	used := make(map[string]bool)
	for i := range m.Records {
		used[m.Records[i].Path] = true
	}
	for _, in := range end.Inputs {
		if used[in.Path] {
			m.Inputs = append(m.Inputs, in)
		}
	}
	if f.err == nil {
		f.err = f.writeManifest()
	}
	return m, errors.Join(f.err, f.root.Close())
}

func (f *Folder) writeManifest() error {
	file, err := outdir.Create(f.root, ManifestName)
	if err != nil {
		return err
	}
	return outdir.WriteManifest(file, &f.manifest)
}

// Discard closes a folder that nothing was written to, unless Close did, and
// removes it if Create made it.
func (f *Folder) Discard() {
	if f.closed {
		return
	}
	_ = f.root.Close()
	if f.made {
		_ = os.Remove(f.dir) // of what was written to nothing is removed
	}
}
