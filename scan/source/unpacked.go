package source

import (
	"container/list"
	"errors"
	"io"
	"sync"
)

// unpacked is a member of an archive that is unpacked into memory when it is
// opened. It stays there until others need the room: several passes over it
// unpack it once. Goroutines may open it at once.
type unpacked struct {
	budget *budget
	start  func() (io.ReadCloser, error) // opens the content, packed
	size   int64                         // of the content in bytes, as far as it is read
	room   int64                         // what it takes of the budget

	// stream is held by the one who unpacks. Members that are packed as one
	// stream share it: whoever unpacks them in their order reads on where
	// the last one ended.
	stream *sync.Mutex

	// The budget's lock guards these.
	data  *pages // nil if it is not in memory
	fault error  // what is wrong with it, as far as is known
	users int
	read  bool          // it was opened
	place *list.Element // in the budget's list, while it is not being read
}

// open opens the member.
func (u *unpacked) open() (*File, error) {
	u.stream.Lock()
	defer u.stream.Unlock()
	if f := u.again(); f != nil {
		return f, nil
	}
	if err := u.budget.acquire(u.room); err != nil {
		return nil, err
	}
	data, fault, err := u.unpack()
	if err != nil {
		u.budget.release(u.room)
		return nil, err
	}
	u.budget.mu.Lock()
	defer u.budget.mu.Unlock()
	u.data = data
	if u.fault == nil {
		u.fault = fault
	}
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
		u.budget.idle.remove(u)
	}
	return u.file()
}

// file returns the content for one more user.
func (u *unpacked) file() *File {
	u.users++
	u.read = true
	return &File{reader: u.data, size: u.data.size, fault: u.fault, close: sync.OnceValue(u.leave)}
}

// leave is for a user who needs the content no more.
func (u *unpacked) leave() error {
	u.budget.mu.Lock()
	defer u.budget.mu.Unlock()
	if u.users--; u.users == 0 {
		u.budget.idle.add(u)
		u.budget.free.Broadcast()
	}
	return nil
}

// unpack returns the content, and what is wrong with it if it is not whole.
func (u *unpacked) unpack() (data *pages, fault, err error) {
	r, err := u.start()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	data = &pages{memory: &u.budget.memory}
	if err = data.read(r, u.size); err == nil {
		err = checkEnd(r)
	}
	if data.size == 0 && err != nil {
		return nil, nil, err
	}
	return data, err, nil
}

// checkEnd reads the end of content that was read but for that. What unpacks it
// compares its checksum there.
func checkEnd(r io.Reader) error {
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
