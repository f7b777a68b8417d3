// Package pieces joins files that were split into pieces which follow each
// other: X.001, X.002 and so on, X.aa, X.ab and so on.
package pieces

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strings"
)

// ErrMissing is wrapped by errors about what a missing piece holds.
var ErrMissing = errors.New("a piece is missing")

// File is a piece. Goroutines may read it at once.
type File interface {
	io.ReaderAt
	Size() int64 // in bytes
}

// Limits on what is looked for by name.
const (
	maxPieces  = 20_000
	maxMissing = 16 // pieces in a row, before it is taken that there are no more
)

// Name is what the name of a piece says.
type Name struct {
	// Stem is the name of what was split.
	Stem string
	// Number is that of the piece; the first one has 0 or 1 in digits, 0 in
	// letters.
	Number int

	width   int // of the ending
	letters bool
}

// NameOf parses the name of a piece; ok is false if it is the name of none.
func NameOf(name string) (n Name, ok bool) {
	const most = 5
	ending := strings.TrimPrefix(path.Ext(name), ".")
	n = Name{Stem: strings.TrimSuffix(name, "."+ending), width: len(ending)}
	if len(ending) < 2 || len(ending) > most || n.Stem == "" {
		return n, false
	}
	base, low, high := 10, '0', '9'
	if n.letters = ending[0] >= 'a'; n.letters {
		base, low, high = 26, 'a', 'z'
	}
	for _, c := range ending {
		if c < low || c > high {
			return n, false
		}
		n.Number = n.Number*base + int(c-low)
	}
	return n, n.Number < maxPieces
}

// IsFirst reports whether the piece may be the first one.
func (n Name) IsFirst() bool { return n.Number == 0 || n.Number == 1 && !n.letters }

// Firsts returns the names that the first piece may have.
func (n Name) Firsts() []string {
	if n.letters {
		return []string{n.of(0)}
	}
	return []string{n.of(0), n.of(1)}
}

// of returns the name of the piece of a number; "" if none has it.
func (n Name) of(number int) string {
	if !n.letters {
		return fmt.Sprintf("%s.%0*d", n.Stem, n.width, number)
	}
	ending := make([]byte, n.width)
	for i := n.width - 1; i >= 0; i-- {
		ending[i] = 'a' + byte(number%26)
		number /= 26
	}
	if number > 0 {
		return ""
	}
	return n.Stem + "." + string(ending)
}

// Joined is what was split. Goroutines may read it at once.
type Joined struct {
	// Parts are the names of the pieces that were found, without the first,
	// and Missing of those that were not, though others follow them. What
	// they hold cannot be read; it is taken to have as many bytes as the
	// first.
	Parts, Missing []string

	files []File // nil of a missing one
	ends  []int64
}

// Of returns what follows each other in files, of which nil ones are missing.
func Of(files ...File) *Joined {
	j := &Joined{}
	size := int64(0)
	if i := slices.IndexFunc(files, func(f File) bool { return f != nil }); i >= 0 {
		size = files[i].Size()
	}
	for _, f := range files {
		if f == nil {
			j.add(nil, size)
			continue
		}
		j.add(f, f.Size())
	}
	return j
}

// Join returns what begins with a piece of a name. open opens a file beside it.
func Join(first File, n Name, open func(name string) (File, error)) *Joined {
	j := Of(first)
	var missing []string
	for number := n.Number + 1; len(j.files) < maxPieces && len(missing) < maxMissing; number++ {
		name := n.of(number)
		if name == "" {
			break
		}
		f, err := open(name)
		if err != nil {
			missing = append(missing, name)
			continue
		}
		for range missing {
			j.add(nil, first.Size())
		}
		j.Missing = append(j.Missing, missing...)
		missing = nil
		j.Parts = append(j.Parts, name)
		j.add(f, f.Size())
	}
	return j
}

// add appends a piece, nil one that is missing.
func (j *Joined) add(f File, size int64) {
	j.files = append(j.files, f)
	j.ends = append(j.ends, j.Size()+size)
}

// Size returns the size of all pieces in bytes.
func (j *Joined) Size() int64 {
	if len(j.ends) == 0 {
		return 0
	}
	return j.ends[len(j.ends)-1]
}

// Start returns where a piece begins, counted from 0.
func (j *Joined) Start(number int) int64 {
	if number == 0 {
		return 0
	}
	return j.ends[number-1]
}

// ReadAt implements io.ReaderAt.
func (j *Joined) ReadAt(b []byte, off int64) (int, error) {
	read := 0
	for read < len(b) {
		at := off + int64(read)
		i := sort.Search(len(j.ends), func(i int) bool { return j.ends[i] > at })
		if at < 0 || i == len(j.ends) {
			return read, io.EOF
		}
		if j.files[i] == nil {
			return read, fmt.Errorf("offset %d: %w", at, ErrMissing)
		}
		part := b[read:min(int64(len(b)), int64(read)+j.ends[i]-at)]
		n, err := j.files[i].ReadAt(part, at-j.Start(i))
		read += n
		if n < len(part) {
			return read, errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	return read, nil
}
