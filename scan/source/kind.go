package source

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"webshellscan/scan/event"
	"webshellscan/scan/partial"
	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/image"
)

// Kind is what a file is by its first bytes, and for some kinds by its last
// ones, whatever it is called.
type Kind struct {
	// Name describes the file, with an article: "a gzip archive".
	Name  string
	Class Class
}

// Class is what a kind of file means for a scan.
type Class uint8

// The classes.
const (
	// ClassOther: the file holds no event log.
	ClassOther Class = iota
	// ClassArtifact: evidence of another sort, such as a registry hive.
	ClassArtifact
	// ClassPackage: an archive or a compressed file that holds no event
	// log.
	ClassPackage
	// ClassLog: a Windows event log (EVTX), or one chunk of it.
	ClassLog
	// ClassExport: event log records in another form than EVTX.
	ClassExport
	// ClassArchive: an archive or a compressed file, which may hold logs.
	ClassArchive
	// ClassImage: an image of a disk, of a volume or of memory, which may
	// hold logs.
	ClassImage
)

// Evidence reports whether such a file is evidence, so that nothing may take
// its place.
func (k Kind) Evidence() bool { return k.Class != ClassOther }

// MayHoldLogs reports whether event log records may be in such a file.
func (k Kind) MayHoldLogs() bool { return k.Class >= ClassLog }

// signature is a row of bytes by which a kind is known.
type signature struct {
	offset int
	bytes  string
	kind   Kind
}

// signatures are looked for in this order: those of volumes come before that of
// a partition table, which looks like the end of a boot sector.
var signatures = []signature{
	{0, event.FileSignature, Kind{"an event log", ClassLog}},
	{0, event.ChunkSignature, Kind{"a chunk of an event log", ClassLog}},
	{4, "LfLe", Kind{"an event log of Windows XP or 2003 (.evt)", ClassExport}},

	{0, archive.ZipSignature, Kind{"a zip archive", ClassArchive}},
	{0, archive.ZipEndSignature, Kind{"an empty zip archive", ClassArchive}},
	{0, archive.ZipPartSignature, Kind{"a part of a zip archive", ClassArchive}},
	{0, archive.SevenZipSignature, Kind{"a 7z archive", ClassArchive}},
	{0, archive.GzipSignature, Kind{"a gzip archive", ClassArchive}},
	{0, archive.ZstdSignature, Kind{"a zstd archive", ClassArchive}},
	{0, archive.XZSignature, Kind{"an xz archive", ClassArchive}},
	{4, archive.Bzip2Signature, Kind{"a bzip2 archive", ClassArchive}},
	{0, "\x04\x22\x4D\x18", Kind{"an lz4 archive", ClassArchive}},
	{0, "LZIP\x01", Kind{"an lzip archive", ClassArchive}},
	{0, "\x89LZO\x00\r\n\x1A\n", Kind{"an lzop archive", ClassArchive}},
	{0, "\x1F\x9D", Kind{"a compress archive (.Z)", ClassArchive}},
	{0, lzmaSignature, Kind{"an LZMA archive", ClassArchive}},
	{0, "xar!", Kind{"a xar archive", ClassArchive}},
	{0, "hsqs", Kind{"a SquashFS image", ClassImage}},
	{0, "Rar!\x1A\x07", Kind{"a RAR archive", ClassArchive}},
	{0, "MSCF\x00\x00\x00\x00", Kind{"a cabinet (CAB) archive", ClassArchive}},
	{257, archive.TarSignature, Kind{"a tar archive", ClassArchive}},
	{0, "MSWIM\x00\x00\x00", Kind{"a Windows image (WIM)", ClassArchive}},
	{0, "ADSEGMENTEDFILE", Kind{"an AD1 image", ClassImage}},
	{0, "ADCRYPT\x00", Kind{"an encrypted AD1 image", ClassImage}},

	{0, image.EWFSignature, Kind{"an E01 disk image (EnCase)", ClassImage}},
	{0, "EVF2\x0D\x0A\x81\x00", Kind{"an Ex01 disk image (EnCase)", ClassImage}},
	{0, "LVF\x09\x0D\x0A\xFF\x00", Kind{"an L01 image (EnCase)", ClassImage}},
	{0, "LEF2\x0D\x0A\x81\x00", Kind{"an Lx01 image (EnCase)", ClassImage}},
	{0, "AFF10", Kind{"an AFF disk image", ClassImage}},
	{0, image.VHDXSignature, Kind{"a VHDX disk image", ClassImage}},
	{0, image.VHDSignature, Kind{"a VHD disk image", ClassImage}},
	{0, image.VMDKSignature, Kind{"a VMDK disk image", ClassImage}},
	{0, image.COWDSignature, Kind{"a VMDK disk image", ClassImage}},
	{0, image.SESparseSignature, Kind{"a VMDK disk image", ClassImage}},
	{0, image.QCOW2Signature, Kind{"a QCOW2 disk image", ClassImage}},
	{0, image.QEDSignature, Kind{"a QED disk image", ClassImage}},
	{0, image.ParallelsSignature, Kind{"a Parallels disk image", ClassImage}},
	{0, image.ParallelsExtSignature, Kind{"a Parallels disk image", ClassImage}},
	{64, image.VDISignature, Kind{"a VDI disk image", ClassImage}},

	{3, image.NTFSSignature, Kind{"an NTFS volume", ClassImage}},
	{3, image.BitLockerSignature, Kind{"a BitLocker volume (encrypted)", ClassImage}},
	{424, image.BitLockerToGoGUID, Kind{"a BitLocker volume (encrypted)", ClassImage}},
	{3, image.ReFSSignature, Kind{"a ReFS volume", ClassImage}},
	{3, image.ExFATSignature, Kind{"an exFAT volume", ClassImage}},
	{82, image.FAT32Signature, Kind{"a FAT volume", ClassImage}},
	{0, image.LUKSSignature, Kind{"a LUKS volume (encrypted)", ClassImage}},
	{0, image.XFSSignature, Kind{"an XFS volume", ClassImage}},
	{32, image.APFSSignature, Kind{"an APFS volume", ClassImage}},
	{512, image.GPTSignature, Kind{"a disk image with a GPT", ClassImage}},
	{4096, image.GPTSignature, Kind{"a disk image with a GPT", ClassImage}},
	{512, image.LVMSignature, Kind{"an LVM volume", ClassImage}},
	{32769, "CD001", Kind{"an ISO image", ClassImage}},

	{0, "EMiL", Kind{"a memory image (LiME)", ClassImage}},
	{0, "PAGEDU", Kind{"a memory dump of Windows", ClassImage}},

	{0, partial.Magic, KindPartial},
	{0, "regf", Kind{"a registry hive", ClassArtifact}},
	{0, "FILE0", Kind{"an NTFS master file table", ClassArtifact}},
	{4, "\xEF\xCD\xAB\x89", Kind{"an ESE database", ClassArtifact}},
	{4, "SCCA", Kind{"a prefetch file", ClassArtifact}},
	{0, "MAM\x04", Kind{"a compressed prefetch file", ClassArtifact}},
	{0, "L\x00\x00\x00\x01\x14\x02\x00", Kind{"a shell link", ClassArtifact}},
	{0, "SQLite format 3\x00", Kind{"an SQLite database", ClassArtifact}},
	{0, "\xD4\xC3\xB2\xA1", Kind{"a packet capture", ClassArtifact}},
	{0, "\x0A\x0D\x0D\x0A", Kind{"a packet capture", ClassArtifact}},
	{0, "MDMP", Kind{"a minidump", ClassArtifact}},
	{0, "MZ", Kind{"a Windows program", ClassArtifact}},
	{0, "\x7FELF", Kind{"a Linux program", ClassArtifact}},
	{0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind{"an OLE document", ClassArtifact}},
	{0, "%PDF-", Kind{"a PDF document", ClassArtifact}},
}

// lzmaSignature is how LZMA data without a container begin, as a rule.
const lzmaSignature = "\x5D\x00\x00"

// kindPackage is a zip archive that is a document or a program.
var kindPackage = Kind{"an office document or a package (zip)", ClassPackage}

const (
	// headSize is how much of a file's start signatures are looked for in:
	// up to a GPT of a disk with sectors of 4,096 bytes.
	headSize = 4096 + 8
	// farSize ends with the last signature of the table.
	farSize    = 32769 + 5
	footerSize = 512

	// bootSignature ends the first sector of a disk or volume, at bootEnd.
	bootSignature = "\x55\xAA"
	bootEnd       = 510
)

// KindOf returns what a file of size bytes is. It looks at some kilobytes; only
// of a file that begins with zeros it reads as many as there are. A file of no
// format that it knows is named by what its bytes look like.
func KindOf(r io.ReaderAt, size int64) (Kind, error) {
	if k, ok, err := knownKind(r, size); ok || err != nil {
		return k, err
	}
	return kindOfBytes(r, size)
}

// memoryNames are what files with the memory of a machine are called, and
// memoryEndings their endings. They need not begin as any format.
var (
	memoryNames   = map[string]bool{"pagefile.sys": true, "hiberfil.sys": true, "swapfile.sys": true}
	memoryEndings = map[string]bool{".vmem": true, ".mem": true, ".vmss": true, ".vmsn": true, ".lime": true}
)

// kindMemory is an image of memory, which only its name shows.
var kindMemory = Kind{"memory of a machine by its name", ClassImage}

// isMemoryName reports whether a file is called as memory of a machine is.
func isMemoryName(file string) bool {
	name := strings.ToLower(filepath.Base(file))
	return memoryNames[name] || memoryEndings[filepath.Ext(name)]
}

// kindTrace is an event trace, which only its name shows: it begins with a
// buffer of any size.
var kindTrace = Kind{"an event trace by its name (.etl)", ClassExport}

// kindOfName returns the kind of a file that is of no known format and is named
// as one that may hold logs.
func kindOfName(file string) (Kind, bool) {
	switch {
	case isMemoryName(file):
		return kindMemory, true
	case strings.EqualFold(filepath.Ext(file), ".etl"):
		return kindTrace, true
	}
	return Kind{}, false
}

// KindOf is the function of that name for a file whose content is in r. A file
// of no known format is what its name says.
func (in *Input) KindOf(r io.ReaderAt, size int64) (Kind, error) {
	k, ok, err := knownKind(r, size)
	if ok || err != nil {
		return k, err
	}
	if k, ok := kindOfName(in.Path); ok {
		return k, nil
	}
	return kindOfBytes(r, size)
}

// KindOfFile is KindOf for the regular file of a path, but reports whether the
// format is a known one instead of looking at the bytes of others.
func KindOfFile(path string) (Kind, bool, error) {
	f, err := Open(path)
	if err != nil {
		return Kind{}, false, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return knownKind(f, f.Size())
}

// knownKind returns the kind of a file, and whether it is of a known format.
func knownKind(r io.ReaderAt, size int64) (Kind, bool, error) {
	head, err := readSome(r, 0, min(size, headSize))
	if err != nil {
		return Kind{}, false, err
	}
	if len(head) == 0 {
		return Kind{"an empty file", ClassOther}, true, nil
	}
	if k, ok := kindOfHead(head); ok {
		return k, true, nil
	}
	for _, look := range []func(io.ReaderAt, int64) (Kind, bool, error){kindOfFar, kindOfFooter} {
		if k, ok, err := look(r, size); ok || err != nil {
			return k, ok, err
		}
	}
	k, ok := kindOfText(head)
	return k, ok, nil
}

// readSome reads up to size bytes; fewer if the file ends before.
func readSome(r io.ReaderAt, off, size int64) ([]byte, error) {
	b := make([]byte, size)
	n, err := r.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

// kindOfHead looks for signatures at the start of a file.
func kindOfHead(head []byte) (Kind, bool) {
	for i := range signatures {
		s := &signatures[i]
		if !hasAt(head, s.offset, s.bytes) {
			continue
		}
		switch {
		case s.bytes == archive.ZipSignature && isPackage(head):
			return kindPackage, true
		case s.bytes == lzmaSignature && !isLZMA(head):
			continue
		case s.bytes == archive.GzipSignature:
			return kindInGzip(s.kind, head), true
		}
		return s.kind, true
	}
	switch {
	case archive.FormatOf(head) == archive.Tar:
		return Kind{"a tar archive", ClassArchive}, true
	case image.IsDescriptor(head):
		return Kind{"a VMDK disk image (descriptor)", ClassImage}, true
	case hasAt(head, 1080, image.ExtSignature) && len(head) > 1084 && head[1082] <= 2:
		return Kind{"an ext volume", ClassImage}, true
	case hasAt(head, 54, image.FATSignature) && hasAt(head, bootEnd, bootSignature):
		return Kind{"a FAT volume", ClassImage}, true
	case image.IsPartitionTable(head):
		return Kind{"a disk image with a partition table", ClassImage}, true
	}
	return Kind{}, false
}

func hasAt(b []byte, offset int, text string) bool {
	return len(b) >= offset+len(text) && string(b[offset:offset+len(text)]) == text
}

// isLZMA reports whether a file may begin as LZMA data without a container do:
// with a dictionary of a usual size, and no size of the content or one that
// there could be.
func isLZMA(head []byte) bool {
	const sizeAt, most = 5, 1 << 40
	if len(head) < sizeAt+8 {
		return false
	}
	dictionary, size := binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint64(head[sizeAt:])
	return dictionary != 0 && bits.OnesCount32(dictionary) <= 2 && (size == 1<<64-1 || size < most)
}

// isPackage reports whether the first member of a zip archive is that of a
// document or of a program.
func isPackage(head []byte) bool {
	const nameAt = 30
	for _, first := range []string{"[Content_Types].xml", "_rels/", "docProps/", "mimetype", "META-INF/"} {
		if hasAt(head, nameAt, first) {
			return true
		}
	}
	return false
}

// kindInGzip looks at what a gzip archive begins with: text, as web servers'
// old logs are, holds no event log.
func kindInGzip(kind Kind, head []byte) Kind {
	r, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return kind
	}
	begin := make([]byte, footerSize)
	n, _ := io.ReadFull(r, begin) // the head ends somewhere within
	if text, ok := kindOfText(begin[:n]); ok && n > 0 && !text.MayHoldLogs() {
		return Kind{"a gzip archive of " + text.Name, ClassPackage}
	}
	return kind
}

// kindOfFar looks for the signatures behind the head.
func kindOfFar(r io.ReaderAt, size int64) (Kind, bool, error) {
	for _, s := range signatures {
		if s.offset < headSize || size < farSize {
			continue
		}
		b, err := readSome(r, int64(s.offset), int64(len(s.bytes)))
		if string(b) == s.bytes || err != nil {
			return s.kind, err == nil, err
		}
	}
	return Kind{}, false, nil
}

// kindOfFooter looks for the kinds that are known by their last bytes. The
// footer of a VHD has 512 bytes, in old ones 511.
func kindOfFooter(r io.ReaderAt, size int64) (Kind, bool, error) {
	if size < footerSize {
		return Kind{}, false, nil
	}
	b, err := readSome(r, size-footerSize, footerSize)
	switch {
	case err != nil:
		return Kind{}, false, err
	case hasAt(b, 0, image.VHDSignature), hasAt(b, 1, image.VHDSignature):
		return Kind{"a VHD disk image", ClassImage}, true, nil
	case hasAt(b, 0, "koly"):
		return Kind{"a DMG disk image", ClassImage}, true, nil
	}
	return Kind{}, false, nil
}

// kindOfText returns the kind of a file that begins as text does.
func kindOfText(head []byte) (Kind, bool) {
	text, ok := decodeText(head)
	if !ok {
		return Kind{}, false
	}
	text = strings.TrimSpace(text)
	switch isXML := strings.HasPrefix(text, "<"); {
	case IsReport(head):
		return Kind{"a report of webshellscan", ClassOther}, true
	case isXML && strings.Contains(text, "schemas.microsoft.com/win/2004/08/events/event"),
		strings.HasPrefix(text, "<Events>"), strings.HasPrefix(text, "<Event>"):
		return Kind{"event log records exported as XML", ClassExport}, true
	case strings.HasPrefix(strings.TrimLeft(text, "[ \r\n\t"), `{"Event":`):
		return Kind{"event log records exported as JSON", ClassExport}, true
	case strings.HasPrefix(text, "#Software: "):
		return Kind{"a web server log (W3C)", ClassArtifact}, true
	case strings.HasPrefix(text, "<?xml"):
		return Kind{"an XML document", ClassOther}, true
	case isXML:
		return Kind{"an HTML or XML document", ClassOther}, true
	}
	return Kind{"text", ClassOther}, true
}

// reportMarks are how what webshellscan writes as JSON begins, and what stands
// in it soon.
var reportMarks = []struct{ begin, soon string }{
	{`{"kind":"manifest","version":`, ""},                     // JSON Lines
	{"{\n" + `"manifest": {"kind":"manifest","version":`, ""}, // JSON
	{`{"trees":[` + "\n" + `{"host":`, ""},                    // trees
	{`{"message":"`, `"tag":["webshellscan"`},                 // Timesketch
	{"{\n" + `  "version": "`, `"file": "records/`},           // the manifest of evidence
}

// IsReport reports whether a file begins like a JSON report of webshellscan.
// Such a report names the events that processes come from, as exports do, but
// is no export. The text of a log cannot hold such marks, since quotes are
// escaped there.
func IsReport(head []byte) bool {
	for _, m := range reportMarks {
		if bytes.HasPrefix(head, []byte(m.begin)) && bytes.Contains(head, []byte(m.soon)) {
			return true
		}
	}
	return false
}

// decodeText returns the start of a file as text, and whether it is text: UTF-8
// or, behind a byte order mark, UTF-16, without control characters.
func decodeText(head []byte) (string, bool) {
	var text string
	switch {
	case hasAt(head, 0, "\xFF\xFE"):
		text = utf16Text(head[2:], binary.LittleEndian)
	case hasAt(head, 0, "\xFE\xFF"):
		text = utf16Text(head[2:], binary.BigEndian)
	default:
		text = strings.TrimPrefix(string(head), "\xEF\xBB\xBF")
	}
	binary := strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\r\n\f\x1b", c) })
	return text, !binary && invalid(text) <= len(text)/16
}

// invalid counts the bytes of a text that are no UTF-8, and the characters that
// stand for such.
func invalid(text string) int {
	n := 0
	for _, c := range text {
		if c == utf8.RuneError {
			n++
		}
	}
	return n
}

func utf16Text(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

// ClaimsLog reports whether an input is expected to be a log: by its name, or
// as its own path was given.
func (in *Input) ClaimsLog() bool { return in.Named || IsLogName(in.Path) }

// IsLogName reports whether a file is called as event logs are, or as they are
// after an ending was added: Security.evtx, Security.evtx.locked,
// Security.evtx_data, SecEvent.Evt.
func IsLogName(path string) bool {
	parts := strings.Split(strings.ToLower(filepath.Base(path)), ".")
	for _, p := range parts[1:] {
		if p == "evt" || strings.HasPrefix(p, "evtx") {
			return true
		}
	}
	return false
}

// containerNames are the endings of archives and disk images.
var containerNames = map[string]bool{
	".zip": true, ".7z": true, ".rar": true, ".tar": true, ".tgz": true, ".gz": true, ".bz2": true, ".xz": true, ".zst": true,
	".e01": true, ".ex01": true, ".l01": true, ".lx01": true, ".ad1": true, ".aff": true, ".aff4": true,
	".vhd": true, ".vhdx": true, ".avhd": true, ".avhdx": true, ".vmdk": true, ".qcow2": true, ".vdi": true,
	".lz": true, ".lzma": true, ".lzo": true, ".z": true, ".hds": true, ".hdd": true, ".qed": true,
	".iso": true, ".dmg": true, ".wim": true, ".cab": true, ".lz4": true,
}

// IsContainerName reports whether a file is called as archives and disk images
// are.
func IsContainerName(path string) bool {
	return containerNames[strings.ToLower(filepath.Ext(path))] || image.IsRawName(path)
}
