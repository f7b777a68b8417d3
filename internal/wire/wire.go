// Package wire turns structures into bytes and back by one description of each:
// the same function that writes a structure reads it, so that the two cannot
// disagree. What is read may be an attacker's: every number is held to its
// range, and every count and length to the bytes that are left, before anything
// is made of them.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// ErrMalformed: bytes are not what a structure was written as.
var ErrMalformed = errors.New("malformed")

// Coder writes structures, or reads them. After the first error it reads zeros.
// A Coder is for one goroutine.
type Coder struct {
	writing bool
	data    []byte // written so far, or still to be read
	err     error
	size    int64 // of what there was to read

	from   io.Reader // of what is read and not in data yet
	left   int64     // how much that is
	buf    []byte    // that data is in
	pooled *[window]byte
	kept   []byte // what is left of the block that rows of bytes of a stream are in

	numbers  map[string]uint64 // of the texts written
	written  uint64            // texts
	texts    []string          // by number, less one
	repeated int64             // bytes of the texts that were met before
}

// NewWriter returns a Coder that writes.
func NewWriter() *Coder { return &Coder{writing: true, numbers: make(map[string]uint64)} }

// NewReader returns a Coder that reads data, which must stay as it is.
func NewReader(data []byte) *Coder { return &Coder{data: data, size: int64(len(data))} }

// NewStream returns a Coder that reads size bytes, and holds few of them at
// once. What bounds counts and lengths is size: it must be bounded by what is
// there. End must be called.
func NewStream(from io.Reader, size int64) *Coder {
	lent, ok := windows.Get().(*[window]byte)
	if !ok {
		lent = new([window]byte)
	}
	return &Coder{from: from, left: size, size: size, buf: lent[:], pooled: lent}
}

// window is how much of a stream is held at once, if no one thing is longer.
const window = 64 << 10

// windows are those that no Coder has.
var windows sync.Pool

// need has n bytes in memory, if that many are left.
func (c *Coder) need(n int) {
	if len(c.data) >= n || c.left == 0 || c.err != nil {
		return
	}
	n = int(min(int64(max(n, window)), int64(len(c.data))+c.left))
	if cap(c.buf) < n {
		buf := make([]byte, n)
		copy(buf, c.data)
		c.buf = buf
	} else {
		copy(c.buf[:n], c.data)
	}
	c.buf = c.buf[:n]
	got, err := io.ReadFull(c.from, c.buf[len(c.data):])
	c.data, c.left = c.buf[:len(c.data)+got], c.left-int64(got)
	if err != nil {
		c.err = err
		c.data, c.left = nil, 0
	}
}

// rest returns how many bytes are left to be read.
func (c *Coder) rest() int64 { return int64(len(c.data)) + c.left }

// Writing reports whether c writes.
func (c *Coder) Writing() bool { return c.writing }

// Data returns what was written.
func (c *Coder) Data() []byte { return c.data }

// Err returns why what was read so far is not sound, nil if it is.
func (c *Coder) Err() error { return c.err }

// End returns Err, or an error if not all was read.
func (c *Coder) End() error {
	if c.err == nil && c.rest() > 0 {
		c.Fail("bytes behind the end")
	}
	if c.pooled != nil {
		windows.Put(c.pooled)
		c.pooled, c.buf, c.data, c.left = nil, nil, nil, 0
	}
	return c.err
}

// Fail makes what is read unsound for a reason.
func (c *Coder) Fail(why string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w at byte %d: %s", ErrMalformed, c.size-c.rest(), why)
		c.data, c.left = nil, 0
	}
}

// Uint codes a number.
func (c *Coder) Uint(p *uint64) {
	if c.writing {
		c.grow(binary.MaxVarintLen64)
		c.data = binary.AppendUvarint(c.data, *p)
		return
	}
	c.need(binary.MaxVarintLen64)
	v, n := binary.Uvarint(c.data)
	if n <= 0 {
		c.Fail("number")
		*p = 0
		return
	}
	c.data, *p = c.data[n:], v
}

// Integer is any type of whole numbers.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Num codes a number of any type.
func Num[T Integer](c *Coder, p *T) {
	var least T
	signed := least-1 < 0
	if c.writing {
		v := uint64(*p)
		if signed {
			v = zigzag(int64(*p))
		}
		c.Uint(&v)
		return
	}
	var v uint64
	c.Uint(&v)
	if signed {
		n := unzigzag(v)
		if *p = T(n); int64(*p) != n {
			c.Fail("number out of range")
			*p = 0
		}
		return
	}
	if *p = T(v); uint64(*p) != v {
		c.Fail("number out of range")
		*p = 0
	}
}

// maxCount bounds what is counted, so that sums fit.
const maxCount = 1 << 40

// Count codes how often something was seen: a number that is not below 0.
func Count(c *Coder, n *int) {
	if Num(c, n); *n < 0 || int64(*n) > maxCount {
		c.Fail("count")
	}
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// Delta codes a number of a column as what it differs from the one before it.
func Delta[T Integer](c *Coder, before, p *T) {
	if c.writing {
		v := zigzag(int64(*p - *before))
		c.Uint(&v)
	} else {
		var v uint64
		c.Uint(&v)
		*p = *before + T(unzigzag(v))
	}
	*before = *p
}

// Bool codes a truth value.
func (c *Coder) Bool(p *bool) {
	var v uint64
	if *p {
		v = 1
	}
	if c.Uint(&v); v > 1 {
		c.Fail("truth value")
	}
	*p = v == 1
}

// Fixed codes bytes of a known number.
func (c *Coder) Fixed(b []byte) {
	if !c.writing {
		c.need(len(b))
	}
	switch {
	case c.writing:
		c.data = append(c.data, b...)
	case len(c.data) < len(b):
		c.Fail("cut")
		clear(b)
	default:
		c.data = c.data[copy(b, c.data):]
	}
}

// Bytes codes a row of bytes. What is read shares the memory of the Coder's
// data, unless that is a stream.
func (c *Coder) Bytes(p *[]byte) {
	n := c.Count(len(*p), 1)
	if c.writing {
		c.grow(n)
		c.data = append(c.data, *p...)
		return
	}
	if c.need(n); len(c.data) < n {
		*p = nil // the stream has failed
		return
	}
	*p, c.data = c.data[:n:n], c.data[n:]
	if c.from != nil {
		*p = c.keep(*p)
	}
}

// keep returns a copy of bytes, of which many lie in one block of memory.
func (c *Coder) keep(b []byte) []byte {
	if len(b) > len(c.kept) {
		if len(b) > window/4 {
			return slices.Clone(b)
		}
		c.kept = make([]byte, min(window, int64(len(b))+c.rest()))
	}
	n := copy(c.kept, b)
	b, c.kept = c.kept[:n:n], c.kept[n:]
	return b
}

// grow makes room for n bytes more. It doubles what there is: append takes a
// quarter more, and copies all the more often.
func (c *Coder) grow(n int) {
	if n > cap(c.data)-len(c.data) {
		c.data = slices.Grow(c.data, max(n, len(c.data)))
	}
}

// A text that comes again costs few bytes, and whoever reads it may make
// something of each: the bytes of all texts that were met before are bounded by
// maxRepeats for each byte that there is, and repeatSlack.
const (
	maxRepeats  = 64
	repeatSlack = 1 << 20
)

// repeat reports whether a text may come again, where there are size bytes.
func (c *Coder) repeat(text string, size int64) bool {
	n := c.repeated + int64(len(text))
	if n > maxRepeats*size+repeatSlack {
		return false
	}
	c.repeated = n
	return true
}

// Text codes a text. One that was met before takes a number, unless that was
// done too often.
func (c *Coder) Text(p *string) {
	if c.writing {
		number := c.numbers[*p]
		if number > 0 && !c.repeat(*p, int64(len(c.data))) {
			number = 0
		}
		if c.Uint(&number); number == 0 {
			b := []byte(*p)
			c.Bytes(&b)
			c.written++
			c.numbers[*p] = c.written
		}
		return
	}
	var number uint64
	c.Uint(&number)
	switch {
	case number > uint64(len(c.texts)), number > 0 && !c.repeat(c.texts[number-1], c.size):
		c.Fail("text")
		*p = ""
	case number > 0:
		*p = c.texts[number-1]
	default:
		var b []byte
		c.Bytes(&b)
		*p = string(b)
		c.texts = append(c.texts, *p)
	}
}

// Count codes how many things follow, each of which takes at least so many
// bytes, and returns it: n where c writes.
func (c *Coder) Count(n, least int) int {
	v := uint64(n)
	c.Uint(&v)
	if !c.writing && v > uint64(c.rest()/int64(max(least, 1))) {
		c.Fail("more than there is room for")
		return 0
	}
	return int(v)
}

// List codes a list whose elements take at least so many bytes each.
func List[T any](c *Coder, p *[]T, least int, do func(*T)) {
	n := c.Count(len(*p), least)
	if !c.writing {
		*p = nil
		if n > 0 {
			*p = make([]T, n)
		}
	}
	for i := range *p {
		if do(&(*p)[i]); c.err != nil {
			return
		}
	}
}

// Map codes a map in an order of its keys.
func Map[K comparable, V any](c *Coder, p *map[K]V, least int, compare func(K, K) int, do func(*K, *V)) {
	n := c.Count(len(*p), least)
	if c.writing {
		for _, k := range slices.SortedFunc(maps.Keys(*p), compare) {
			v := (*p)[k]
			do(&k, &v)
		}
		return
	}
	*p = nil
	if n > 0 {
		*p = make(map[K]V, n)
	}
	for range n {
		var k K
		var v V
		if do(&k, &v); c.err != nil {
			return
		}
		(*p)[k] = v
	}
}

// Texts codes a list of texts.
func (c *Coder) Texts(p *[]string) { List(c, p, 1, c.Text) }

// Counts codes a map of counts by text.
func Counts[K ~string](c *Coder, p *map[K]int) {
	Map(c, p, 2, func(a, b K) int { return strings.Compare(string(a), string(b)) }, func(k *K, n *int) {
		text := string(*k)
		c.Text(&text)
		*k = K(text)
		Count(c, n)
	})
}
