package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"webshellscan/internal/plural"
	"webshellscan/scan/event"
	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/image"
	"webshellscan/scan/source/ntfs"
	"webshellscan/scan/source/shadow"
)

// Origin is where in a container an input lies.
type Origin struct {
	// Container is the path of the archive or image, the outermost if they
	// are nested.
	Container string `json:"container"`
	// Member is the way from there.
	Member string `json:"member"`
	// Volume is the number of the partition, 0 if the image has no table;
	// nil if the input is on no volume.
	Volume *int `json:"volume,omitempty"`
	// Snapshot is when the shadow copy was taken, 0 if it is none.
	Snapshot event.Time `json:"snapshot_time,omitzero"`
	// Deleted is set if the file was deleted, Overwritten if clusters of it
	// may belong to another one now.
	Deleted     bool `json:"deleted,omitempty"`
	Overwritten bool `json:"overwritten,omitempty"`
	// Carved is set if the input is no file but a region that was searched
	// for chunks.
	Carved bool `json:"carved,omitempty"`
	// Links are other names of the file.
	Links []string `json:"other_names,omitempty"`
}

// Note is a remark about a container, which is read all the same.
type Note struct {
	Path, Text string
	// Mismatch is set if a hash that the container states is not that of
	// its content.
	Mismatch bool
}

// maxNesting bounds how deep containers lie in each other.
const maxNesting = 4

// separator stands between a container and what is in it.
const separator = "!"

// expander finds the inputs in containers. It is the state of one call of Find.
type expander struct {
	options    *Options
	budget     *budget
	inputs     []Input
	others     []Input // of other kinds that are wanted
	skipped    []Skipped
	containers []Input
	notes      []Note
	paths      map[string]int  // how often a path was used
	consumed   map[string]bool // paths of files that are parts of an image
	expanded   map[string]bool // paths of files that were taken apart, or could not be
	temps      *tempFiles
	excess     int64       // bytes that were unpacked beyond what is no wonder
	read       []*unpacked // members of streams that were unpacked while they were passed
	nothing    int         // files that Options.Nothing leaves out
	head       []byte      // scratch for begin
	begun      begun       // the file that was begun last
	turns      int         // of inputs that are best read in the order in which they are packed
}

// container is a file that may hold inputs, and where it is.
type container struct {
	file   image.File
	name   string // of the file, without a folder
	path   string // in reports
	origin *Origin
	depth  int
	// beside opens a file of a name in the same folder; nil if there can be
	// none.
	beside func(name string) (image.File, error)
	// packed is how many bytes it takes in the outermost file, unpacked
	// whether it is packed there; used is what was unpacked of it.
	packed, used int64
	unpacked     bool
}

// content is an open file, or a part of one.
type content struct {
	io.ReaderAt
	size int64
}

// Size returns the size in bytes.
func (c content) Size() int64 { return c.size }

// skip records what was not read.
func (x *expander) skip(path string, err error) {
	const most = 10_000
	if len(x.skipped) < most {
		x.skipped = append(x.skipped, Skipped{path, err, true})
	}
}

// skipAll records reasons why something was not read, a sentence each.
func (x *expander) skipAll(path string, reasons []string) {
	for _, reason := range reasons {
		x.skip(path, errors.New(reason))
	}
}

func (x *expander) addNotes(path string, notes ...string) {
	for _, text := range notes {
		x.notes = append(x.notes, Note{Path: path, Text: text})
	}
}

// expandAll replaces the containers among files that were found by what is in
// them.
func (x *expander) expandAll(ctx context.Context, found []Input) error {
	// Images that consist of several files come first, so that those are
	// not taken for images of their own.
	order := make([]int, len(found))
	probes := make([]probeResult, len(found))
	for i := range found {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		order[i] = i
		probes[i] = x.probe(&found[i])
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probes[b].container, probes[a].container) })
	for _, i := range order {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		in, g := found[i], &probes[i]
		switch {
		case x.consumed[in.Path], in.Named && x.expandWhole(ctx, in):
			x.containers = append(x.containers, in)
		case g.container != noContainer:
			x.expandFile(ctx, in)
		case x.options.Carve && in.Named && !isLogFile(in):
			x.inputs = append(x.inputs, carveFile(in))
		case g.wanted != nil:
			in.Kind = *g.wanted
			x.others = append(x.others, in)
		case g.nothing:
			x.nothing++
		default:
			x.inputs = append(x.inputs, in)
		}
	}
	return nil
}

// containerKind is what a file is, as far as it matters for the order.
type containerKind uint8

const (
	noContainer containerKind = iota
	oneContainer
	manyContainer // other files may belong to it
	description   // names other files that look like containers
)

// containerKindOf returns the kind of an open file by its first and last bytes
// and its name, which was given or found in a folder.
func containerKindOf(f image.File, name string, named bool) containerKind {
	head := make([]byte, min(512, f.Size()))
	if n, _ := f.ReadAt(head, 0); n < len(head) || event.IsLog(head) {
		return noContainer
	}
	kind := noContainer
	if format := archive.FormatOfFile(f, head, name, named); format != archive.None {
		if format == archive.Zip && isPackage(head) {
			return noContainer
		}
		kind = oneContainer
		if format == archive.Zip && archive.ZipParts(f, name) != nil {
			kind = manyContainer
		}
	} else {
		switch image.Detect(f, name) {
		case image.NoImage:
			return noContainer
		case image.OneFile:
			kind = oneContainer
		case image.ManyFiles:
			kind = manyContainer
		case image.Description:
			kind = description
		}
	}
	if isFirstPiece(name) {
		kind = max(kind, manyContainer)
	}
	return kind
}

// isLogFile reports whether a file begins as a log.
func isLogFile(in Input) bool {
	f, err := in.Open()
	if err != nil {
		return true // reading it reports the error
	}
	defer func() { _ = f.Close() }() // it was only read
	head := make([]byte, 8)
	n, _ := f.ReadAt(head, 0) // a shorter one is none
	return event.IsLog(head[:n])
}

// outermost returns the container that an input is, which lies in no other.
func outermost(file image.File, in Input) *container {
	return &container{file: file, name: filepath.Base(in.Path), path: in.Path, origin: &Origin{Container: in.Path}, packed: in.Size}
}

// expandFile expands a container that is a file of its own. It stays open as
// long as its inputs are used.
func (x *expander) expandFile(ctx context.Context, in Input) {
	if x.expanded[in.Path] {
		return // as the whole of which a piece was named
	}
	x.expanded[in.Path] = true
	if x.options.Looking != nil {
		x.options.Looking(in.Path)
	}
	f, err := Open(in.Path)
	if err != nil {
		x.skip(in.Path, err)
		return
	}
	c := outermost(f, in)
	if c.beside = besideFile(in.Path); in.Live {
		c.beside = nil // nothing lies beside a volume
		x.addNotes(in.Path, "a volume or a disk of the running system: what it holds changed while it was read, and what Windows had not written yet is missing")
	}
	before := x.outcomes()
	if !x.expand(ctx, c) {
		x.inputs = append(x.inputs, in)
		return
	}
	if in.Named && x.outcomes() == before {
		x.skipped = append(x.skipped, Skipped{in.Path, errNoLogs, false})
	}
	x.containers = append(x.containers, in)
}

// errNoLogs: a container was read whole, and holds nothing that was looked for.
var errNoLogs = errors.New("no event log is in it")

// outcomes returns how many entries containers have added to the result.
func (x *expander) outcomes() int {
	return len(x.inputs) + len(x.others) + len(x.skipped) + len(x.notes)
}

// expand adds what is in a container, and reports whether it is one. A file
// that is called a log and is a container without logs is reported.
func (x *expander) expand(ctx context.Context, c *container) bool {
	before := len(x.inputs) + len(x.skipped)
	if !x.unpack(ctx, c) {
		return false
	}
	if IsLogName(c.name) && len(x.inputs)+len(x.skipped) == before {
		kind, err := KindOf(c.file, c.file.Size())
		if err != nil {
			kind.Name = "an archive or a disk image"
		}
		x.skip(c.path, fmt.Errorf("no event log (EVTX), but %s that holds none", kind.Name))
	}
	return true
}

// unpack is expand for a container of any name.
func (x *expander) unpack(ctx context.Context, c *container) bool {
	head := make([]byte, min(512, c.file.Size()))
	if _, err := c.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	if c.depth >= maxNesting {
		x.skip(c.path, fmt.Errorf("containers nested more than %d deep", maxNesting))
		return true
	}
	x.join(c)
	if format := archive.FormatOfFile(c.file, head, c.name, true); format != archive.None {
		x.archive(ctx, c, format)
		return true
	}
	return x.image(ctx, c)
}

// archive adds the members of an archive.
func (x *expander) archive(ctx context.Context, c *container, format archive.Format) {
	a := &archiveWalk{expander: x, container: c, format: format, logs: make(map[string]bool)}
	x.budget.holdDecoder(format)
	err := archive.Walk(ctx, c.file, archive.Options{Name: wholeName(c.name), Passwords: x.options.Passwords}, func(m *archive.Member) error { return a.member(ctx, m) })
	a.expandPostponed(ctx)
	if err != nil {
		x.skip(c.path, err)
	}
	a.refuseLinks()
	if a.locked > 0 {
		x.skip(c.path, fmt.Errorf("%s: %w", plural.Count(a.locked, "member"), archive.ErrPassword))
	}
	if a.unread > maxNamedMembers {
		x.skip(c.path, fmt.Errorf("%d more members cannot be read either", a.unread-maxNamedMembers))
	}
}

// archiveWalk is the walk over the members of one archive.
type archiveWalk struct {
	*expander
	container *container
	format    archive.Format
	stream    sync.Mutex // held by the one who unpacks a member that is not packed on its own
	encoded   bool       // Velociraptor's names
	locked    int        // members without a password that fits
	unread    int        // members that cannot be read for other reasons
	members   map[string]*archive.Member
	postponed []*postponed          // containers that other members may belong to
	byName    map[string]*postponed // those, once all are known
	logs      map[string]bool       // members that are called logs
	special   []*archive.Member     // links, pipes and devices
}

// maxNamedMembers is how many members of one archive that cannot be read are
// named.
const maxNamedMembers = 20

// refuse records a member that cannot be read.
func (a *archiveWalk) refuse(shown string, err error) {
	if a.unread++; a.unread <= maxNamedMembers {
		a.skip(shown, err)
	}
}

// member adds a member by its first bytes: a log or what is called one becomes
// an input, a container is expanded, anything else is not unpacked.
func (a *archiveWalk) member(ctx context.Context, m *archive.Member) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if m.Name == "uploads.json" {
		a.encoded = true
	}
	name := a.shownName(m.Name)
	shown := a.container.path + separator + name
	if m.Special {
		a.special = append(a.special, m)
		return nil
	}
	if IsLogName(m.Name) {
		a.logs[m.Name] = true
	}
	if m.Err != nil {
		if !strings.HasSuffix(m.Name, "/") && (m.Size < 0 || m.Size >= headOfMember) {
			a.refuse(shown, m.Err) // whatever it was
		}
		return nil
	}
	a.remember(m)
	r, err := m.Open()
	if errors.Is(err, archive.ErrPassword) {
		a.locked++
		return nil
	}
	if err != nil {
		a.refuse(shown, err)
		return nil
	}
	defer func() { _ = r.Close() }() // it was only read
	head, err := readHead(r)
	if len(head) == 0 && err != nil {
		a.refuse(shown, err)
		return nil
	}
	switch {
	case !event.IsLog(head) && a.isContainer(head, name):
		a.addContainer(ctx, m, shown, head, r)
	case event.IsLog(head), IsLogName(name):
		a.log(ctx, m, shown, head, r)
	case err != nil && (m.Size < 0 || m.Size >= headOfMember):
		a.refuse(shown, err) // whatever it was
	case IsContainerName(name) && len(head) == headOfMember && archive.FormatOf(head) == archive.None:
		a.refuse(shown, errors.New("called an archive or a disk image, and begins as none"))
	default:
		if kind, ok := kindOfName(name); ok && len(head) == headOfMember {
			a.refuse(shown, errors.New(kind.Name+": what is in it was not read"))
		} else {
			a.wanted(ctx, m, shown, head, r)
		}
	}
	return nil
}

// refuseLinks reports the links, pipes and devices that have the name of a log
// or of its target, except links to a member.
func (a *archiveWalk) refuseLinks() {
	for _, m := range a.special {
		if (IsLogName(m.Name) || IsLogName(m.Target)) && !a.logs[m.Target] {
			a.refuse(a.container.path+separator+a.shownName(m.Name), m.Err)
		}
	}
}

// headOfMember is how many bytes of a member say what it is; no log has fewer.
const headOfMember = 512

// readHead reads the first bytes of a member, fewer only if it ends before them
// or cannot be read, which the error says.
func readHead(r io.Reader) ([]byte, error) {
	head := make([]byte, headOfMember)
	for n := 0; n < len(head); {
		read, err := r.Read(head[n:])
		n += read
		if errors.Is(err, io.EOF) && !errors.Is(err, archive.ErrDamaged) {
			return head[:n], nil
		}
		if err != nil {
			return head[:n], err
		}
	}
	return head, nil
}

// isContainer reports whether a member begins as an archive or an image does.
// One that is shorter than 512 bytes holds no log, but may hold other text, or
// describe a VMDK.
func (x *expander) isContainer(head []byte, name string) bool {
	format := archive.FormatOf(head)
	if len(head) < 512 {
		return format == archive.Gzip && len(x.options.Wanted) > 0 || image.IsDescriptor(head)
	}
	return format != archive.None && !isPackage(head) || image.DetectHead(head, name) || isFirstPiece(path.Base(name)) && image.IsPartitionTable(head)
}

// shownName returns a member's name for reports. Velociraptor writes the parts
// of a path percent-encoded.
func (a *archiveWalk) shownName(name string) string {
	rest, below := strings.CutPrefix(name, "uploads/")
	if !below || !a.encoded && !strings.Contains(rest, "%3A") {
		return name
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	return "uploads/" + strings.Join(parts, "/")
}

// log adds a member that is a log, or is called so.
func (a *archiveWalk) log(ctx context.Context, m *archive.Member, shown string, head []byte, r io.Reader) {
	if in, ok := a.input(ctx, m, shown, head, r); ok {
		a.logs[m.Name] = true
		a.add(in)
	}
}

// input makes an input of a member whose first bytes are in head, and the
// others in r; false if it cannot be read.
func (a *archiveWalk) input(ctx context.Context, m *archive.Member, shown string, head []byte, r io.Reader) (Input, bool) {
	in := Input{Path: shown, Size: m.Size, Origin: a.inner(shown)}
	if m.Stored && m.Size <= a.container.file.Size()-m.Offset {
		in.open = a.storedOpener(m)
		return in, true
	}
	most := a.mostOf(m, r)
	r = io.MultiReader(bytes.NewReader(head), r)
	if size, err := a.admit(m); err != nil {
		return a.start(ctx, in, r, size, err)
	}
	if m.Again && m.Size >= 0 {
		if m.Size > a.budget.most {
			return a.tooLarge(ctx, in, m, r, most)
		}
		in.open = (&unpacked{budget: a.budget, start: m.Open, size: m.Size, room: m.Size, stream: new(sync.Mutex)}).open
		return in, true
	}
	data, err := a.keepMember(ctx, r, m, most)
	if errors.Is(err, ErrMemory) && m.Reopen != nil {
		a.forget(data)
		return a.later(ctx, in, m)
	}
	if data.size == 0 && err != nil {
		a.refuse(shown, err)
		return in, false
	}
	in.Size = data.size
	in.open = func() (*File, error) { return &File{reader: data, size: data.size, fault: err}, nil }
	if m.Reopen != nil && data.file == nil {
		u := &unpacked{budget: a.budget, start: m.Reopen, size: data.size, room: data.held, stream: &a.stream, data: data, fault: err}
		a.read = append(a.read, u)
		in.open = u.open
	}
	return in, true
}

// start makes an input of the first bytes of a member, which is not unpacked as
// a whole for a reason.
func (a *archiveWalk) start(ctx context.Context, in Input, r io.Reader, size int64, reason error) (Input, bool) {
	if size == 0 {
		a.refuse(in.Path, reason)
		return in, false
	}
	data, err := a.keep(ctx, r, size, nil)
	if data.size == 0 && err != nil {
		a.refuse(in.Path, errors.Join(reason, err))
		return in, false
	}
	in.Size = data.size
	in.open = func() (*File, error) { return &File{reader: data, size: data.size, fault: reason}, nil }
	return in, true
}

// keepMember keeps the content of a member.
func (a *archiveWalk) keepMember(ctx context.Context, r io.Reader, m *archive.Member, most func() int64) (*pages, error) {
	data, err := a.keep(ctx, r, m.Size, most)
	switch {
	case m.Size < 0:
		a.count(m, data.size)
	case err == nil:
		if err = checkEnd(r); err != nil {
			err = archive.Damaged(err)
		}
	}
	return data, err
}

// tooLarge makes an input of a member that is larger than all memory for what
// is unpacked: by a temporary file, if there may be one.
func (a *archiveWalk) tooLarge(ctx context.Context, in Input, m *archive.Member, r io.Reader, most func() int64) (Input, bool) {
	if a.options.Temp == "" {
		return a.windowed(in, m.Size, m.Open), true
	}
	data, err := a.keepMember(ctx, r, m, most)
	if data.size == 0 && err != nil {
		a.refuse(in.Path, err)
		return in, false
	}
	in.Size = data.size
	in.open = func() (*File, error) { return &File{reader: data, size: data.size, fault: err}, nil }
	return in, true
}

// later makes an input of a member of a stream for which there is no room now.
// When it is read, the stream is unpacked again up to it.
func (a *archiveWalk) later(ctx context.Context, in Input, m *archive.Member) (Input, bool) {
	if in.Size < 0 {
		var err error
		if in.Size, err = a.sizeOf(ctx, m.Reopen, a.left(m)); err != nil {
			a.refuse(in.Path, err)
			return in, false
		}
	}
	a.turns++
	in.Turn = a.turns
	if in.Size > a.budget.most {
		return a.windowed(in, in.Size, m.Reopen), true
	}
	in.open = (&unpacked{budget: a.budget, start: m.Reopen, size: in.Size, room: in.Size, stream: &a.stream}).open
	return in, true
}

// releaseUnpacked lets what was unpacked while archives were searched be
// released as soon as it was read, or others need the room.
func (x *expander) releaseUnpacked() {
	b := x.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range x.read {
		b.held -= u.room
		if u.users == 0 {
			b.idle.add(u)
		}
	}
}

// forget releases content that is not kept.
func (x *expander) forget(p *pages) {
	p.drop()
	x.budget.let(p.held)
	p.held = 0
}

// inner returns the origin of something in the container.
func (a *archiveWalk) inner(shown string) *Origin {
	o := *a.container.origin
	o.Member = strings.TrimPrefix(shown, o.Container+separator)
	return &o
}

// add adds an input under a path that no other one has.
func (x *expander) add(in Input) { x.inputs = append(x.inputs, x.unique(in)) }

// unique sets an input's path to one that no other has.
func (x *expander) unique(in Input) Input {
	x.paths[in.Path]++
	if n := x.paths[in.Path]; n > 1 {
		in.Path = fmt.Sprintf("%s (%d)", in.Path, n)
	}
	return in
}

// storedOpener returns what opens a member that lies in its archive as it is.
func (a *archiveWalk) storedOpener(m *archive.Member) func() (*File, error) {
	return func() (*File, error) {
		return &File{
			reader: io.NewSectionReader(a.container.file, m.Offset, m.Size), size: m.Size, checked: m.Checked, crc32: m.CRC32,
		}, nil
	}
}

// keep reads content of so many bytes, -1 if they are not known, into memory,
// where it stays. What came before an error is returned with it. Content of
// unknown size may have most bytes, which is asked as it grows.
func (x *expander) keep(ctx context.Context, r io.Reader, size int64, most func() int64) (*pages, error) {
	const step = 16 * pageSize
	p := &pages{memory: &x.budget.memory}
	if size >= 0 {
		if err := x.makeRoom(p, size); err != nil {
			return p, err
		}
		if err := p.read(r, size); err != nil {
			return p, fmt.Errorf("%w: %d bytes are missing", archive.ErrDamaged, size-p.size)
		}
		return p, nil
	}
	for {
		switch err := context.Cause(ctx); {
		case err != nil:
			return p, err
		case p.size >= most():
			return p, bombError(p.size)
		}
		if err := x.makeRoom(p, step); err != nil {
			return p, err
		}
		err := p.read(r, step)
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, archive.Damaged(err)
		}
	}
}

// image adds the volumes of a disk image, and reports whether the container is
// one.
func (x *expander) image(ctx context.Context, c *container) bool {
	disk, err := image.Open(c.file, image.Options{Name: c.name, Sibling: c.beside, Blocks: x.budget.blocks})
	if errors.Is(err, image.ErrFormat) {
		return false
	}
	if err != nil {
		x.skip(c.path, err)
		return true
	}
	x.consume(c, disk.Parts...)
	x.verify(ctx, c, disk)
	volumes, notes := image.Volumes(disk)
	if !slices.ContainsFunc(volumes, isIdentified) {
		reason := "no NTFS volume that can be read in this disk image (" + disk.Format + ")"
		if all := slices.Concat(disk.Lost, disk.Notes, notes); len(all) > 0 {
			reason += ": " + strings.Join(all, "; ")
		}
		x.skip(c.path, errors.New(reason))
		return true
	}
	for _, v := range volumes {
		if v.Kind == "NTFS" {
			x.volume(ctx, c, v, v.Section(disk))
		} else if !v.Service {
			x.skip(fmt.Sprintf("%s%sp%d", c.path, separator, v.Number), errors.New(notReadVolumes[v.Kind]))
		}
	}
	x.addNotes(c.path, disk.Notes...)
	x.addNotes(c.path, notes...)
	x.skipAll(c.path, disk.Lost)
	return true
}

// isIdentified reports whether the kind of a volume is known, although it is
// not read.
func isIdentified(v image.Volume) bool {
	return !v.Service && v.Kind != "" && v.Kind != image.Missing || v.Kind == "NTFS"
}

// verify compares the hashes that an image was stored with, if that is asked
// for.
func (x *expander) verify(ctx context.Context, c *container, disk *image.Image) {
	if len(disk.Stored) == 0 {
		return
	}
	if !x.options.VerifyImages {
		x.addNotes(c.path, fmt.Sprintf("the stored %s %s was not verified", disk.Stored[0].Name, disk.Stored[0].Sum))
		return
	}
	actual, err := disk.Verify(ctx)
	if err != nil {
		x.notes = append(x.notes, Note{c.path, fmt.Sprintf("the stored hashes could not be verified: %v", err), true})
		return
	}
	for i, d := range actual {
		if stored := disk.Stored[i]; stored != d {
			x.notes = append(x.notes, Note{c.path, fmt.Sprintf("the stored %s is %s, but the disk has %s", d.Name, stored.Sum, d.Sum), true})
			continue
		}
		x.addNotes(c.path, fmt.Sprintf("the stored %s %s is that of the disk", d.Name, d.Sum))
	}
}

// notReadVolumes describes volumes that are not read, and what helps.
var notReadVolumes = map[string]string{
	"BitLocker": "a BitLocker volume, which is encrypted: unlock it, then image it again or mount it",
	"ReFS":      "a ReFS volume, which is not read: mount it",
	"LVM":       "an LVM volume, which is not read: mount it",
	"LUKS":      "a LUKS volume, which is encrypted: unlock it, then image it again or mount it",
	"exFAT":     "an exFAT volume, which is not read: mount it",
	"FAT":       "a FAT volume, which is not read: mount it",
	"ext":       "an ext volume, which is not read: mount it",
	"XFS":       "an XFS volume, which is not read: mount it",
	"APFS":      "an APFS volume, which is not read: mount it",

	image.Missing: "a partition that the image ends before",
	"":            "a partition that begins as no file system that is known: it is damaged, encrypted or empty",
}

// volume adds the files of an NTFS volume and of its shadow copies.
func (x *expander) volume(ctx context.Context, c *container, v image.Volume, source image.File) {
	place := fmt.Sprintf("p%d", v.Number)
	origin := *c.origin
	origin.Volume = &v.Number
	newer, catalog := x.files(ctx, c, origin, place, source, nil)
	if x.options.Carve {
		x.unallocated(ctx, c, origin, place, source)
	}
	snapshots, lost := shadow.Open(source, catalog)
	x.skipAll(c.path+separator+place, lost)
	for _, s := range snapshots {
		o := origin
		o.Snapshot = s.Time
		at := place + "/shadow " + snapshotName(s.Time)
		x.addNotes(c.path+separator+at, s.Notes...)
		if s.Fault != nil {
			x.skip(c.path+separator+at, s.Fault)
		}
		newer, _ = x.files(ctx, c, o, at, s, newer)
	}
}

// snapshotName names a snapshot by the second of its time.
func snapshotName(t event.Time) string {
	text := t.String()
	if i := strings.IndexByte(text, '.'); i >= 0 {
		text = text[:i] + "Z"
	}
	return text
}

// files adds the logs of a volume, or of a snapshot of it. Those that a newer
// view has too, unchanged, are not read again. It returns them by path, and
// where the catalog of shadow copies lies.
func (x *expander) files(ctx context.Context, c *container, origin Origin, place string, source ntfs.Source, newer map[string]*ntfs.File) (byPath map[string]*ntfs.File, catalog int64) {
	shown := c.path + separator + place
	v, err := ntfs.Open(source)
	if err != nil {
		x.skip(shown, err)
		return nil, 0
	}
	v.Also = x.options.ofVolumes()
	files, err := v.Walk(ctx)
	if err != nil {
		x.skip(shown, err)
	}
	x.addNotes(shown, v.Notes...)
	x.skipAll(shown, v.Lost)
	if x.options.Carve {
		x.carvePages(c, origin, place, v)
	}
	snapshot, _ := source.(*shadow.Snapshot)
	byPath = make(map[string]*ntfs.File, len(files))
	same := 0
	for _, f := range files {
		if snapshot != nil && f.Deleted {
			continue // free clusters are not preserved
		}
		if !f.Deleted {
			byPath[f.Path] = f
		}
		if snapshot != nil && unchanged(snapshot, f, newer[f.Path]) {
			same++
			continue
		}
		x.addFile(ctx, shown, origin, f)
	}
	if err == nil && !slices.ContainsFunc(files, func(f *ntfs.File) bool { return !f.Other }) {
		x.addNotes(shown, "no event logs were found")
	}
	if same > 0 {
		x.addNotes(shown, fmt.Sprintf("%d files did not change until the next snapshot or the present, and were read once", same))
	}
	return byPath, v.ShadowCatalog()
}

// unchanged reports whether a file of a snapshot is the same in the next newer
// view.
func unchanged(s *shadow.Snapshot, f, newer *ntfs.File) bool {
	if newer == nil || f.Record != newer.Record || f.Content.Size() != newer.Content.Size() || !f.Content.SamePlace(newer.Content) {
		return false
	}
	changed := false
	f.Content.Runs(func(start, end int64) { changed = changed || s.Changed(start, end) })
	return !changed
}

// addFile adds a file of a volume.
func (x *expander) addFile(ctx context.Context, place string, origin Origin, f *ntfs.File) {
	origin.Deleted, origin.Overwritten, origin.Links = f.Deleted, f.Overwritten, f.Links
	if f.Deleted {
		place += "/deleted"
	}
	shown := place + "/" + f.Path
	origin.Member = strings.TrimPrefix(shown, origin.Container+separator)
	if f.Other {
		x.volumeFile(ctx, shown, origin, f)
		return
	}
	if f.Elsewhere != "" {
		x.skip(shown, errors.New("its content is "+f.Elsewhere))
		return
	}
	if f.Deleted && !f.Content.BeginsAsLog() {
		x.addNotes(shown, "the log was deleted, and its content is gone")
		return
	}
	if f.Deleted && f.Overwritten {
		x.addNotes(shown, "the file was deleted, and clusters of it may hold something else now")
	}
	if n := f.Content.Unread(); n > 0 {
		x.skip(shown, fmt.Errorf("%d of its bytes could not be read when the disk was acquired, and are zero in the image", n))
	}
	switch {
	case f.Content.Torn() && f.Content.Size() == 0:
		x.skip(shown, errors.New("its clusters are not there: they lie behind the end of the volume, or of what there is of it"))
		return
	case f.Content.Torn():
		x.addNotes(shown, "clusters of the file are missing from its records, or lie behind the end of what there is of the volume")
	}
	x.add(volumeInput(shown, origin, f))
}

// volumeInput makes an input of a file of a volume.
func volumeInput(shown string, origin Origin, f *ntfs.File) Input {
	stream := f.Content
	return Input{Path: shown, Size: stream.Size(), Origin: &origin, open: func() (*File, error) {
		return &File{reader: stream, size: stream.Size(), holes: stream.Hole}, nil
	}}
}
