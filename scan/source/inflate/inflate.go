// Package inflate unpacks deflate streams that are in memory as a whole, as the
// blocks of disk images are. It is given where they and their content end, and
// so is about twice as fast as readers of streams, which do not.
//
// Facts about the formats come from RFC 1951 (deflate) and RFC 1950 (zlib).
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// ErrDamaged is wrapped by every error about a stream that is not as the
// formats say, or does not fit.
var ErrDamaged = errors.New("the compressed data are damaged")

var (
	errEnd      = fmt.Errorf("%w: they end early", ErrDamaged)
	errRoom     = fmt.Errorf("%w: they have more content than is said", ErrDamaged)
	errCode     = fmt.Errorf("%w: a code that there is not", ErrDamaged)
	errDistance = fmt.Errorf("%w: a copy from before the start", ErrDamaged)
	errBlock    = fmt.Errorf("%w: a block that there is not", ErrDamaged)
	errChecksum = fmt.Errorf("%w: the checksum is wrong", ErrDamaged)
)

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// Raw unpacks a deflate stream into dst and returns how many bytes it has, also
// when it is damaged after them. What follows the stream in src is not looked
// at. Goroutines may call it at once.
func Raw(dst, src []byte) (int, error) {
	n, _, err := unpack(dst, src, true)
	return n, err
}

// Zlib unpacks a zlib stream as Raw does. The checksum decides: a stored block
// whose second length is wrong, as Tableau's TD3 writes them, is read.
func Zlib(dst, src []byte) (int, error) {
	const head, deflate, maxWindow, dictionary = 2, 8, 7, 0x20
	if len(src) < head || src[0]&15 != deflate || src[0]>>4 > maxWindow || src[1]&dictionary != 0 || binary.BigEndian.Uint16(src)%31 != 0 {
		return 0, fmt.Errorf("%w: no zlib stream", ErrDamaged)
	}
	n, rest, err := unpack(dst, src[head:], false)
	switch {
	case err != nil:
		return n, err
	case len(rest) < 4:
		return n, errEnd
	case binary.BigEndian.Uint32(rest) != adler(dst[:n]):
		return n, errChecksum
	}
	return n, nil
}

func unpack(dst, src []byte, strict bool) (n int, rest []byte, err error) {
	d := decoders.Get().(*decoder)
	d.dst, d.src, d.strict = dst, src, strict
	d.out, d.in, d.bits, d.have = 0, 0, 0, 0
	err = d.stream()
	n, rest = d.out, src[min(d.in-int(d.have/8), len(src)):]
	d.dst, d.src = nil, nil
	decoders.Put(d)
	return n, rest, err
}

// decoder unpacks one stream.
type decoder struct {
	dst, src []byte
	out, in  int    // what was written and read, in bytes
	bits     uint64 // read and not used yet, the next one lowest
	have     uint   // how many
	strict   bool   // about stored blocks

	lengths, literals, distances table // those of a block that brings its own
	sizes                        [maxLiterals + maxDistances]uint8
}

const (
	maxLiterals  = 288
	maxDistances = 32
	endOfBlock   = 256
	longestCopy  = 258
)

// stream unpacks all blocks.
func (d *decoder) stream() error {
	for last := false; !last; {
		if err := d.need(3); err != nil {
			return err
		}
		last = d.readBits(1) == 1
		var err error
		switch d.readBits(2) {
		case 0:
			err = d.stored()
		case 1:
			literals, distances := fixed()
			err = d.block(literals, distances)
		case 2:
			if err = d.dynamic(); err == nil {
				err = d.block(&d.literals, &d.distances)
			}
		default:
			err = errBlock
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill reads bytes while there is room for them, up to the end. There are never
// more than 63 bits, which fast relies on.
func (d *decoder) fill() {
	for d.have < 56 && d.in < len(d.src) {
		d.bits |= uint64(d.src[d.in]) << d.have
		d.in++
		d.have += 8
	}
}

// need makes sure that there are n bits.
func (d *decoder) need(n uint) error {
	if d.have < n {
		if d.fill(); d.have < n {
			return errEnd
		}
	}
	return nil
}

// readBits returns the next n bits, which must have been fetched.
func (d *decoder) readBits(n uint) uint64 {
	value := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return value
}

// stored copies a block that is not compressed.
func (d *decoder) stored() error {
	d.in -= int(d.have / 8) // what was read ahead
	d.bits, d.have = 0, 0
	if len(d.src)-d.in < 4 {
		return errEnd
	}
	size, again := binary.LittleEndian.Uint16(d.src[d.in:]), binary.LittleEndian.Uint16(d.src[d.in+2:])
	if d.strict && size != ^again {
		return errBlock
	}
	d.in += 4
	n := copy(d.dst[d.out:], d.src[d.in:min(len(d.src), d.in+int(size))])
	d.in += n
	d.out += n
	switch {
	case n == int(size):
		return nil
	case d.out == len(d.dst):
		return errRoom
	}
	return errEnd
}

// fixed returns the tables of the fixed codes. They are made once: a stream may
// have very many blocks that say nothing else.
var fixed = sync.OnceValues(func() (literals, distances *table) {
	var d decoder
	for i := range d.sizes {
		switch {
		case i < 144:
			d.sizes[i] = 8
		case i < 256:
			d.sizes[i] = 9
		case i < 280:
			d.sizes[i] = 7
		case i < maxLiterals:
			d.sizes[i] = 8
		default:
			d.sizes[i] = 5
		}
	}
	if err := d.codes(maxLiterals); err != nil {
		panic(err) // the standard's codes are complete
	}
	return &d.literals, &d.distances
})

// dynamic reads the codes of a block.
func (d *decoder) dynamic() error {
	if err := d.need(14); err != nil {
		return err
	}
	literals, distances, described := int(d.readBits(5))+257, int(d.readBits(5))+1, int(d.readBits(4))+4
	if literals > 286 || distances > 30 {
		return errBlock
	}
	var sizes [19]uint8
	order := [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	for _, i := range order[:described] {
		if err := d.need(3); err != nil {
			return err
		}
		sizes[i] = uint8(d.readBits(3))
	}
	if err := d.lengths.build(sizes[:], lengthBits, sizeEntries); err != nil {
		return err
	}
	clear(d.sizes[:])
	if err := d.readSizes(literals + distances); err != nil {
		return err
	}
	return d.codes(literals)
}

// readSizes reads how long codes are, which is packed by a code of its own.
func (d *decoder) readSizes(n int) error {
	for i := 0; i < n; {
		d.fill()
		e := d.lengths.length(d.bits)
		if e&isInvalid != 0 {
			return errCode
		}
		if err := d.need(uint(e & totalMask)); err != nil {
			return err
		}
		d.readBits(uint(e & totalMask))
		symbol := e >> 16
		if symbol < 16 {
			d.sizes[i] = uint8(symbol)
			i++
			continue
		}
		kind := [...]struct {
			extra uint
			least int
		}{{2, 3}, {3, 3}, {7, 11}}[symbol-16]
		if err := d.need(kind.extra); err != nil {
			return err
		}
		count, value := kind.least+int(d.readBits(kind.extra)), uint8(0)
		if symbol == 16 {
			if i == 0 {
				return errCode
			}
			value = d.sizes[i-1]
		}
		if count > n-i {
			return errCode
		}
		for range count {
			d.sizes[i] = value
			i++
		}
	}
	return nil
}

// codes makes the tables of a block: sizes has those of the literals, and then
// those of the distances.
func (d *decoder) codes(literals int) error {
	if err := d.literals.build(d.sizes[:literals], literalBits, literalEntries); err != nil {
		return err
	}
	return d.distances.build(d.sizes[literals:min(len(d.sizes), literals+maxDistances)], distanceBits, distanceEntries)
}

// block unpacks a block by the tables: fast as long as nothing can end within a
// symbol, and then with care.
func (d *decoder) block(literals, distances *table) error {
	ended, err := d.fast(literals, distances)
	for !ended && err == nil {
		ended, err = d.symbol(literals, distances)
	}
	return err
}

// symbol unpacks one symbol, and reports whether it ends the block.
func (d *decoder) symbol(literals, distances *table) (bool, error) {
	d.fill()
	e := literals.literal(d.bits)
	switch {
	case e&isInvalid != 0:
		return false, d.wrongCode()
	case uint(e&totalMask) > d.have:
		return false, errEnd
	}
	value := d.value(e)
	switch {
	case e&isEnd != 0:
		return true, nil
	case e&isLiteral != 0:
		if d.out == len(d.dst) {
			return false, errRoom
		}
		d.dst[d.out] = byte(value)
		d.out++
		return false, nil
	}
	d.fill()
	e = distances.distance(d.bits)
	switch {
	case e&isInvalid != 0:
		return false, d.wrongCode()
	case uint(e&totalMask) > d.have:
		return false, errEnd
	}
	return false, d.copyBack(value, d.value(e))
}

// value takes the bits of an entry, which must have been fetched, and returns
// what it stands for.
func (d *decoder) value(e uint32) int {
	taken := d.readBits(uint(e & totalMask))
	return int(e>>16) + int(taken>>(e>>sizeShift&sizeMask))
}

// wrongCode returns what it means that no code fits: that the stream ended, if
// there is nothing behind.
func (d *decoder) wrongCode() error {
	if d.have < 15 {
		return errEnd
	}
	return errCode
}

// copyBack copies what was written at a distance before.
func (d *decoder) copyBack(length, distance int) error {
	if distance > d.out {
		return errDistance
	}
	room := min(length, len(d.dst)-d.out)
	for i := range room {
		d.dst[d.out+i] = d.dst[d.out+i-distance]
	}
	d.out += room
	if room < length {
		return errRoom
	}
	return nil
}

// fast unpacks symbols as long as more than the longest can be read and
// written, and reports whether the block ended. The entry of the next symbol is
// looked up before the bytes of the last one are copied, so that the processor
// does both at once.
func (d *decoder) fast(literals, distances *table) (bool, error) {
	const ahead = 8 // bytes read at once
	dst, src, bits, have, in, out := d.dst, d.src, d.bits, d.have, d.in, d.out
	if len(src)-in < ahead {
		return false, nil
	}
	bits |= binary.LittleEndian.Uint64(src[in:]) << have
	in += int(63-have) >> 3
	have |= 56
	e := literals.literal(bits)
	ended := false
	var err error
	for len(src)-in >= 3*ahead && len(dst)-out >= longestCopy+2+ahead {
		if e&isLiteral != 0 { // up to three of them have enough bits
			bits, have = bits>>(e&totalMask), have-uint(e&totalMask)
			dst[out] = byte(e >> 16)
			out++
			if e = literals.literal(bits); e&isLiteral != 0 {
				bits, have = bits>>(e&totalMask), have-uint(e&totalMask)
				dst[out] = byte(e >> 16)
				out++
				e = literals.literal(bits)
			}
			bits |= binary.LittleEndian.Uint64(src[in:]) << have
			in += int(63-have) >> 3
			have |= 56
			if e&isLiteral != 0 {
				bits, have = bits>>(e&totalMask), have-uint(e&totalMask)
				dst[out] = byte(e >> 16)
				out++
				bits |= binary.LittleEndian.Uint64(src[in:]) << have
				in += int(63-have) >> 3
				have |= 56
				e = literals.literal(bits)
				continue
			}
		}
		if e&(isEnd|isInvalid) != 0 {
			if ended = e&isEnd != 0; !ended {
				err = errCode
			}
			bits, have = bits>>(e&totalMask), have-uint(e&totalMask)
			break
		}
		length := int(e>>16) + int(bits&(1<<(e&totalMask)-1)>>(e>>sizeShift&sizeMask))
		bits, have = bits>>(e&totalMask), have-uint(e&totalMask)
		if e = distances.distance(bits); e&isInvalid != 0 {
			err = errCode
			break
		}
		distance := int(e>>16) + int(bits&(1<<(e&totalMask)-1)>>(e>>sizeShift&sizeMask))
		bits, have = bits>>(e&totalMask), have-uint(e&totalMask)
		if distance > out {
			err = errDistance
			break
		}
		bits |= binary.LittleEndian.Uint64(src[in:]) << have
		in += int(63-have) >> 3
		have |= 56
		e = literals.literal(bits)
		copyFast(dst, out, length, distance)
		out += length
	}
	d.bits, d.have, d.in, d.out = bits&(1<<have-1), have, in, out
	return ended, err
}

// copyFast copies what lies at a distance before out. It may write up to
// longestCopy+8 bytes in all, which dst has room for.
func copyFast(dst []byte, out, length, distance int) {
	const once = 32 // bytes written without asking how many there are
	from := out - distance
	if distance < 8 {
		copyClose(dst, out, length, distance)
		return
	}
	source, target := dst[from:from+once], dst[out:out+once]
	binary.LittleEndian.PutUint64(target, binary.LittleEndian.Uint64(source))
	binary.LittleEndian.PutUint64(target[8:], binary.LittleEndian.Uint64(source[8:]))
	binary.LittleEndian.PutUint64(target[16:], binary.LittleEndian.Uint64(source[16:]))
	binary.LittleEndian.PutUint64(target[24:], binary.LittleEndian.Uint64(source[24:]))
	if length <= once {
		return
	}
	end := out + length
	if distance >= length {
		copy(dst[out+once:end], dst[from+once:])
		return
	}
	for at := once; at < length; at += 8 {
		binary.LittleEndian.PutUint64(dst[out+at:], binary.LittleEndian.Uint64(dst[from+at:]))
	}
}

// copyClose is copyFast for distances below eight: what is copied repeats
// itself.
func copyClose(dst []byte, out, length, distance int) {
	end := out + length
	if distance == 1 {
		word := uint64(dst[out-1]) * 0x0101010101010101
		for ; out < end; out += 8 {
			binary.LittleEndian.PutUint64(dst[out:], word)
		}
		return
	}
	for ; out < end; out++ {
		dst[out] = dst[out-distance]
	}
}
