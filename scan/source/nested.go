package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/image"
)

// maxRemembered is how many members of an archive are remembered as what may
// belong to an image.
const maxRemembered = 1 << 16

// remember records a member that may be a part of a container beside it.
func (a *archiveWalk) remember(m *archive.Member) {
	if len(a.members) < maxRemembered && m.Size != 0 {
		if a.members == nil {
			a.members = make(map[string]*archive.Member)
		}
		a.members[m.Name] = m
	}
}

// postponed is a container in an archive that is taken apart when all members
// are known.
type postponed struct {
	*container
	member      *archive.Member
	description bool // names others
}

// addContainer expands a container in an archive; a disk image, of which other
// members may be pieces, when all are known. What can be opened only once is
// unpacked now.
func (a *archiveWalk) addContainer(ctx context.Context, m *archive.Member, shown string, head []byte, r io.Reader) {
	c := &container{name: path.Base(m.Name), path: shown, origin: a.container.origin, depth: a.container.depth + 1, packed: a.container.packedSize(m), unpacked: a.container.unpacked}
	p := &postponed{c, m, image.IsDescriptor(head)}
	switch mayBeSeveral := archive.FormatOf(head) == archive.None || isFirstPiece(c.name); {
	case mayBeSeveral && m.Again:
		a.postponed = append(a.postponed, p)
	case !a.unpackNested(ctx, c, m, head, r):
	case mayBeSeveral:
		a.postponed = append(a.postponed, p)
	case !a.expandNested(ctx, p):
		a.forgetFile(p.file)
	}
}

// unpackNested opens the file of a container in an archive: what lies there as
// it is, or what it unpacks to, which has to fit into memory or into a
// temporary file. It reports whether it did.
func (a *archiveWalk) unpackNested(ctx context.Context, c *container, m *archive.Member, head []byte, r io.Reader) bool {
	f, err := a.openNested(ctx, m, head, r)
	if err != nil {
		a.refuse(c.path, err)
	}
	if f == nil {
		return false
	}
	c.file = f
	_, paged := f.(*pages)
	c.unpacked = c.unpacked || paged
	return true
}

// openNested opens a member, of which the first bytes are in head and the
// others in r. An error comes with what there is of it.
func (a *archiveWalk) openNested(ctx context.Context, m *archive.Member, head []byte, r io.Reader) (image.File, error) {
	if m.Stored && m.Size <= a.container.file.Size()-m.Offset {
		return content{io.NewSectionReader(a.container.file, m.Offset, m.Size), m.Size}, nil
	}
	if err := a.admitNested(m); err != nil {
		return nil, err
	}
	data, err := a.keepMember(ctx, io.MultiReader(bytes.NewReader(head), r), m, a.mostOf(m, r))
	if errors.Is(err, ErrMemory) {
		a.forget(data)
		return nil, fmt.Errorf("a container inside another one has to be unpacked, into memory or, with --temp, into a file: %w", err)
	}
	return data, err
}

// expandNested expands a container in an archive, and reports whether something
// is in it. If not, the files beside it that were opened for it are forgotten,
// but not its own, on which others may be based.
func (a *archiveWalk) expandNested(ctx context.Context, p *postponed) bool {
	var files []image.File
	p.beside = func(name string) (image.File, error) {
		at := path.Join(path.Dir(p.member.Name), name)
		if other := a.byName[at]; other != nil && other.file != nil {
			return other.file, nil
		}
		f, err := a.openBeside(ctx, at, p.besidePath(name))
		if err == nil {
			files = append(files, f)
		}
		return f, err
	}
	before := len(a.inputs) + len(a.others)
	a.expand(ctx, p.container)
	if len(a.inputs)+len(a.others) > before {
		return true
	}
	for _, f := range files {
		a.forgetFile(f)
	}
	return false
}

// forgetFile forgets a file that was unpacked.
func (a *archiveWalk) forgetFile(f image.File) {
	if kept, ok := f.(*pages); ok {
		a.forget(kept)
	}
}

// openBeside opens a member of the archive, which reports call as shown.
func (a *archiveWalk) openBeside(ctx context.Context, at, shown string) (image.File, error) {
	m := a.members[at]
	if m == nil {
		return nil, fs.ErrNotExist
	}
	open := m.Open
	if !m.Again {
		if m.Reopen == nil {
			return nil, fs.ErrNotExist
		}
		open = m.Reopen
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	f, err := a.openNested(ctx, m, nil, r)
	if err != nil {
		a.refuse(shown, err)
		return nil, err
	}
	return f, nil
}

// expandPostponed expands the containers that other members may belong to:
// first those that name others, then by their names, so that no part is taken
// for a container of its own.
func (a *archiveWalk) expandPostponed(ctx context.Context) {
	slices.SortStableFunc(a.postponed, func(p, q *postponed) int {
		switch {
		case p.description && !q.description:
			return -1
		case q.description && !p.description:
			return 1
		}
		return cmp.Compare(p.path, q.path)
	})
	a.byName = make(map[string]*postponed, len(a.postponed))
	for _, p := range slices.Backward(a.postponed) { // of several of a name the first
		a.byName[p.member.Name] = p
	}
	var empty []image.File // others may be based on them
	for _, p := range a.postponed {
		if ctx.Err() != nil {
			return
		}
		if a.consumed[p.path] || p.file == nil && !a.reopen(ctx, p) {
			continue
		}
		switch {
		case a.expandNested(ctx, p):
		case p.member.Again:
			a.forgetFile(p.file)
			p.file = nil
		default:
			empty = append(empty, p.file)
		}
	}
	for _, f := range empty {
		a.forgetFile(f)
	}
}

// reopen opens the file of a container that can be opened again.
func (a *archiveWalk) reopen(ctx context.Context, p *postponed) bool {
	r, err := p.member.Open()
	if err != nil {
		a.refuse(p.path, err)
		return false
	}
	defer func() { _ = r.Close() }() // it was only read
	return a.unpackNested(ctx, p.container, p.member, nil, r)
}
