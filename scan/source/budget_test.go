package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/image/imagetest"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// TestBlocksGiveWay: blocks of images take what is free, and give it back as
// soon as something else needs it.
func TestBlocksGiveWay(t *testing.T) {
	b := newBudget(100)
	for range 9 {
		if len(b.alloc(10)) != 10 {
			t.Fatal("there was room for a block")
		}
	}
	if b.alloc(11) != nil {
		t.Error("there was no room for a block")
	}
	if err := b.acquire(10); err != nil || b.used != 100 {
		t.Errorf("beside the blocks: %v, %d used", err, b.used)
	}
	b.release(10)
	if err := b.acquire(50); err != nil || b.used != 50 || b.kept != 0 {
		t.Errorf("in place of the blocks: %v, %d used, %d by blocks", err, b.used, b.kept)
	}
	if b.alloc(1) != nil {
		t.Error("blocks took room that others had needed")
	}
}

// TestDecoderRoom: what decoders with dictionaries take is part of the budget,
// once, and a quarter of it at most.
func TestDecoderRoom(t *testing.T) {
	for _, tt := range []struct {
		format     archive.Format
		most, want int64
	}{
		{archive.Zip, 1 << 30, 0},
		{archive.Gzip, 1 << 30, 0},
		{archive.SevenZip, 1 << 30, 64 << 20},
		{archive.XZ, 1 << 30, 64 << 20},
		{archive.Zstd, 100, 25},
	} {
		b := newBudget(tt.most)
		for range 2 {
			b.holdDecoder(tt.format)
		}
		if b.used != tt.want || b.held != tt.want {
			t.Errorf("format %d: %d bytes of %d", tt.format, b.used, tt.most)
		}
	}
}

// TestEviction: what was read makes room before what was not.
func TestEviction(t *testing.T) {
	b := newBudget(30)
	member := func() *unpacked {
		return &unpacked{budget: b, room: 10, size: 1, stream: new(sync.Mutex), start: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("x")), nil
		}, data: &pages{memory: &b.memory}}
	}
	unread, read := member(), member()
	b.idle.add(unread)
	b.idle.add(read)
	b.used = 20
	f, err := read.open()
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := b.acquire(20); err != nil || unread.data == nil || read.data != nil || b.used != 30 {
		t.Errorf("%v, %d bytes used, in memory: %t and %t, want that which nobody read", err, b.used, unread.data != nil, read.data != nil)
	}
}

// TestManyIdle: content that nobody reads costs the same to find again, however
// much there is of it.
func TestManyIdle(t *testing.T) {
	const members = 200_000
	b := newBudget(10 * members)
	list := make([]*unpacked, members)
	for i := range list {
		list[i] = &unpacked{budget: b, room: 10, stream: new(sync.Mutex), data: &pages{memory: &b.memory}}
		b.idle.add(list[i])
		b.used += list[i].room
	}
	cputime.Bound(t, 2*time.Second, func() {
		for _, u := range slices.Backward(list) {
			f, err := u.open()
			if err = errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.acquire(10 * members); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKeepUnpacked: what Find read of an image is kept, and what is read later
// only once the caller says that it is read again.
func TestKeepUnpacked(t *testing.T) {
	volume := ntfstest.Volume(2000, ntfstest.File{Path: "a.evtx", Data: bytes.Repeat([]byte("ElfFile\x00"), 600<<10)})
	w := imagetest.NewEWF(1)
	w.Volume("volume", len(volume))
	w.Chunks(volume, 0, imagetest.Sealed)
	w.Section("done", nil)
	path := filepath.Join(t.TempDir(), "x.E01")
	if err := os.WriteFile(path, w.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := Find(t.Context(), []string{path}, Options{})
	if err != nil || len(found.Inputs) != 1 {
		t.Fatal(len(found.Inputs), "inputs,", err)
	}
	defer func() { _ = found.Close() }()
	kept := func() int64 {
		file, err := found.Inputs[0].Open()
		if err == nil {
			_, err = io.Copy(io.Discard, io.NewSectionReader(file, 0, file.Size()))
		}
		if err = errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		return found.budget.kept
	}
	before := found.budget.kept
	if got := kept(); before == 0 || got != before {
		t.Errorf("%d bytes kept, of Find %d", got, before)
	}
	found.KeepUnpacked()
	if got := kept(); got < before+1<<20 {
		t.Errorf("%d bytes kept, of Find %d", got, before)
	}
}
