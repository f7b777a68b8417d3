package source

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"

	"webshellscan/scan/source/archive"
)

// unpacked is a member of an archive that is unpacked into memory when it is opened.
// It stays there until others need the room: several passes over it unpack it once.
// Goroutines may open it at once.
type unpacked struct {
	budget *budget
	member *archive.Member

	opening sync.Mutex // held by the one who unpacks it

	// The budget's lock guards these.
	data  []byte // nil if it is not in memory
	fault error
	users int
}

// open opens the member.
func (u *unpacked) open() (*File, error) {
	u.opening.Lock()
	defer u.opening.Unlock()
	if f := u.again(); f != nil {
		return f, nil
	}
	memory, err := u.budget.acquire(u.member.Size)
	if err != nil {
		return nil, err
	}
	data, fault, err := unpack(u.member, memory)
	if err != nil {
		u.budget.release(u.member.Size)
		return nil, err
	}
	u.budget.mu.Lock()
	defer u.budget.mu.Unlock()
	u.data, u.fault = data, fault
	return u.file(), nil
}

// again opens the member if it is in memory; nil if it is not.
func (u *unpacked) again() *File {
	u.budget.mu.Lock()
	defer u.budget.mu.Unlock()
	if u.data == nil {
		return nil
	}
	if u.users == 0 {
		u.budget.idle = slices.DeleteFunc(u.budget.idle, func(other *unpacked) bool { return other == u })
	}
	return u.file()
}

// file returns the content for one more user.
func (u *unpacked) file() *File {
	u.users++
	return &File{reader: bytes.NewReader(u.data), size: int64(len(u.data)), fault: u.fault, close: sync.OnceValue(u.leave)}
}

// leave is for a user who needs the content no more.
func (u *unpacked) leave() error {
	u.budget.mu.Lock()
	defer u.budget.mu.Unlock()
	if u.users--; u.users == 0 {
		u.budget.idle = append(u.budget.idle, u)
		u.budget.free.Broadcast()
	}
	return nil
}

// unpack returns the content of a member, in the memory given if there is some, and
// what is wrong with it if it is not whole.
func unpack(m *archive.Member, memory []byte) (data []byte, fault, err error) {
	r, err := m.Open()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	if memory == nil {
		memory = make([]byte, m.Size)
	}
	n, err := io.ReadFull(r, memory)
	if err == nil {
		_, err = r.Read(make([]byte, 1)) // the end has the checksum
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if n == 0 && err != nil {
		return nil, nil, err
	}
	return memory[:n], err, nil
}
