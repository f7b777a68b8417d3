// Package powershell shows what command lines of PowerShell hide in Base64: the
// argument of -EncodedCommand in all forms that PowerShell takes, and literals
// that are given to FromBase64String. It only decodes: nothing is evaluated,
// and what it returns is an attacker's text like the command line itself.
package powershell

import (
	"strings"
	"unicode/utf8"
)

// Limits. A command line has at most 32,767 UTF-16 units, but what another
// program logs as one may be longer.
const (
	maxInput  = 1 << 17 // bytes of a command line that are looked at
	maxText   = 1 << 16 // bytes of decoded text in all
	maxLayers = 4       // of Base64 within Base64
	maxPieces = 16      // decoded texts in all
)

// Decode returns the texts that a command line hides in Base64, in the order in
// which they stand there, each followed by what it hides itself. What is no
// text is described by its length. There are at most 16 texts of 64 KiB in all.
func Decode(commandLine string) []string {
	d := decoder{room: maxText}
	d.layer(commandLine, 1)
	return d.pieces
}

// decoder collects texts.
type decoder struct {
	pieces []string
	room   int // bytes
}

// layer decodes the Base64 in a text.
func (d *decoder) layer(text string, depth int) {
	if depth > maxLayers {
		return
	}
	text = text[:min(len(text), maxInput)]
	for payload := range encodedArguments(text) {
		if d.full() {
			return
		}
		if data, ok := decodeBase64(payload); ok {
			if hidden, ok := decodeUTF16(data); ok {
				d.add(hidden, depth)
			}
		}
	}
	for encoded := range base64Literals(text) {
		if d.full() {
			return
		}
		if data, ok := decodeBase64(encoded); ok {
			d.add(describe(data, strings.Contains(strings.ToLower(text), "deflatestream")), depth)
		}
	}
}

// full reports whether there is no room for another text.
func (d *decoder) full() bool { return len(d.pieces) == maxPieces || d.room == 0 }

// add keeps a text as far as there is room, and looks for further layers in it.
func (d *decoder) add(text string, depth int) {
	if d.full() {
		return
	}
	if len(text) > d.room {
		cut := d.room
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
		d.room = cut
	}
	d.room -= len(text)
	if text == "" {
		return
	}
	d.pieces = append(d.pieces, text)
	d.layer(text, depth+1)
}
