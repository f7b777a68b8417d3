package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// aesExtra is the extra field of a member that WinZip encrypted with AES.
// WinZip, "AES Encryption Information", AE-1 and AE-2.
type aesExtra struct {
	version  uint16
	strength byte
	method   uint16
}

func parseAES(extra []byte) *aesExtra {
	const id = 0x9901
	for len(extra) >= 4 {
		kind, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return nil
		}
		if kind == id && n >= 7 {
			a := &aesExtra{binary.LittleEndian.Uint16(extra[4:]), extra[8], binary.LittleEndian.Uint16(extra[9:])}
			if a.strength < 1 || a.strength > 3 {
				return nil
			}
			return a
		}
		extra = extra[4+n:]
	}
	return nil
}

// openEncrypted opens a member with the first password that fits. A wrong one
// passes the quick test now and then: where several do, the whole member
// decides.
func (p *packed) openEncrypted() (io.ReadCloser, error) {
	var fitting []string
	for _, password := range p.passwords {
		r, err := p.decrypt(password)
		if errors.Is(err, ErrPassword) {
			continue
		}
		if err != nil {
			return nil, err
		}
		_ = r.Close() // it was only read
		fitting = append(fitting, password)
	}
	for i, password := range fitting {
		if i < len(fitting)-1 && !p.decryptsWith(password) {
			continue
		}
		return p.decrypt(password)
	}
	return nil, ErrPassword
}

// decryptsWith reports whether the whole member can be read with a password.
func (p *packed) decryptsWith(password string) bool {
	r, err := p.decrypt(password)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close()) == nil
}

// decrypt opens a member with a password. The error wraps ErrPassword if it
// fails the quick test.
func (p *packed) decrypt(password string) (io.ReadCloser, error) {
	raw, size, err := p.raw()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if p.aes == nil {
		plain, err := p.zipCrypto(raw, password)
		if err != nil {
			return nil, err
		}
		r, err := p.unpack(plain, true)
		if err != nil {
			return nil, err
		}
		return &doubtful{r}, nil
	}
	plain, err := p.aes.decrypt(raw, size, password)
	if err != nil {
		return nil, err
	}
	r, err := p.unpack(plain, p.aes.version == 1)
	if err != nil {
		return nil, err
	}
	return &authenticated{r, plain}, nil
}

// doubtful is a member whose password has passed nothing but the quick test,
// which one wrong password in 256 passes: what looks like damage may be that.
type doubtful struct{ io.ReadCloser }

// Read implements io.Reader.
func (d *doubtful) Read(b []byte) (int, error) {
	n, err := d.ReadCloser.Read(b)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w (or it is %v)", err, ErrPassword) // not known to be the latter
	}
	return n, err
}

// zipCrypto is the state of traditional encryption. APPNOTE 6.1.
type zipCrypto struct {
	reader io.Reader
	keys   [3]uint32
}

// zipCrypto returns a reader of what a member decrypts to.
func (p *packed) zipCrypto(raw io.Reader, password string) (io.Reader, error) {
	z := &zipCrypto{raw, [3]uint32{0x12345678, 0x23456789, 0x34567890}}
	for _, c := range []byte(password) {
		z.update(c)
	}
	var head [12]byte
	if _, err := io.ReadFull(z, head[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	check := byte(p.crc >> 24)
	if p.flags&flagDescriptor != 0 {
		check = byte(p.modified >> 8)
	}
	if head[11] != check {
		return nil, ErrPassword
	}
	return z, nil
}

func (z *zipCrypto) update(plain byte) {
	z.keys[0] = crc32.IEEETable[byte(z.keys[0])^plain] ^ z.keys[0]>>8
	z.keys[1] = (z.keys[1]+z.keys[0]&0xFF)*134775813 + 1
	z.keys[2] = crc32.IEEETable[byte(z.keys[2])^byte(z.keys[1]>>24)] ^ z.keys[2]>>8
}

// Read implements io.Reader.
func (z *zipCrypto) Read(b []byte) (int, error) {
	n, err := z.reader.Read(b)
	for i := range b[:n] {
		t := z.keys[2] | 2
		b[i] ^= byte(t * (t ^ 1) >> 8)
		z.update(b[i])
	}
	return n, err
}

// aesReader decrypts a member, and authenticates its cipher text.
type aesReader struct {
	cipher  io.Reader // without the code at its end
	raw     io.Reader
	mac     hash.Hash
	block   cipher.Block
	counter [aes.BlockSize]byte
	stream  [aes.BlockSize]byte
	used    int // of stream
}

const macSize = 10

// decrypt returns a reader of what a member decrypts to.
func (a *aesExtra) decrypt(raw io.Reader, size int64, password string) (*aesReader, error) {
	keySize := 8 + 8*int(a.strength)
	salt := make([]byte, keySize/2)
	var check [2]byte
	if _, err := io.ReadFull(raw, salt); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := io.ReadFull(raw, check[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	const rounds = 1000
	keys, err := pbkdf2.Key(sha1.New, password, salt, rounds, 2*keySize+len(check))
	if err != nil {
		return nil, err
	}
	if keys[2*keySize] != check[0] || keys[2*keySize+1] != check[1] {
		return nil, ErrPassword
	}
	body := size - int64(len(salt)+len(check)+macSize)
	if body < 0 {
		return nil, fmt.Errorf("%w: %d bytes of encrypted data", ErrDamaged, size)
	}
	block, err := aes.NewCipher(keys[:keySize])
	if err != nil {
		return nil, err
	}
	r := &aesReader{raw: raw, mac: hmac.New(sha1.New, keys[keySize:2*keySize]), block: block, used: aes.BlockSize}
	r.cipher = io.LimitReader(raw, body)
	return r, nil
}

// Read implements io.Reader. The counter is little-endian and begins at 1,
// unlike that of crypto/cipher.
func (r *aesReader) Read(b []byte) (int, error) {
	n, err := r.cipher.Read(b)
	_, _ = r.mac.Write(b[:n]) // never fails
	for i := range b[:n] {
		if r.used == aes.BlockSize {
			for j := range r.counter {
				if r.counter[j]++; r.counter[j] != 0 {
					break
				}
			}
			r.block.Encrypt(r.stream[:], r.counter[:])
			r.used = 0
		}
		b[i] ^= r.stream[r.used]
		r.used++
	}
	return n, err
}

// authenticated is a member whose code is compared at its end.
type authenticated struct {
	io.ReadCloser
	plain *aesReader
}

// Read implements io.Reader.
func (a *authenticated) Read(b []byte) (int, error) {
	n, err := a.ReadCloser.Read(b)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	var code [macSize]byte
	if _, drained := io.Copy(io.Discard, a.plain); drained != nil {
		return n, drained
	}
	if _, short := io.ReadFull(a.plain.raw, code[:]); short != nil {
		return n, fmt.Errorf("%w: no authentication code", ErrDamaged)
	}
	if !hmac.Equal(code[:], a.plain.mac.Sum(nil)[:macSize]) {
		return n, fmt.Errorf("%w: the authentication code does not fit", ErrDamaged)
	}
	return n, err
}
