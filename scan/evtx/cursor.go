package evtx

import "encoding/binary"

// cursor walks over part of a chunk. Its getters return zero after the first
// failure, and err then says what failed: check it once per structure.
type cursor struct {
	data []byte // the chunk
	pos  int    // from the chunk's start
	end  int    // where to stop, from the chunk's start; at most len(data)
	err  error
	// suspect is set if a name was read whose hash does not fit it.
	suspect bool
}

// need reports whether n more bytes are there, and fails if not.
func (c *cursor) need(n int) bool {
	if c.err != nil {
		return false
	}
	if n < 0 || c.end-c.pos < n {
		c.err = ErrTruncated
		return false
	}
	return true
}

func (c *cursor) skip(n int) {
	if c.need(n) {
		c.pos += n
	}
}

func (c *cursor) uint8() uint8 {
	if !c.need(1) {
		return 0
	}
	v := c.data[c.pos]
	c.pos++
	return v
}

func (c *cursor) uint16() uint16 {
	if !c.need(2) {
		return 0
	}
	v := binary.LittleEndian.Uint16(c.data[c.pos:])
	c.pos += 2
	return v
}

func (c *cursor) uint32() uint32 {
	if !c.need(4) {
		return 0
	}
	v := binary.LittleEndian.Uint32(c.data[c.pos:])
	c.pos += 4
	return v
}

// bytes returns the next n bytes as a view into the chunk.
func (c *cursor) bytes(n int) []byte {
	if !c.need(n) {
		return nil
	}
	b := c.data[c.pos : c.pos+n : c.pos+n]
	c.pos += n
	return b
}

// text returns the counted UTF-16LE text at the cursor: a count of units, then
// the units.
func (c *cursor) text() []byte { return c.bytes(2 * int(c.uint16())) }
