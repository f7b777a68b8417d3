package event_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/event"
)

// utf16le returns text as a log holds it.
func utf16le(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func fromHex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestValueTypes: each type that is declared, and no other, can be valid.
func TestValueTypes(t *testing.T) {
	source, err := os.ReadFile("value.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := make(map[event.ValueType]bool)
	for _, m := range regexp.MustCompile(`ValueType = 0x([0-9A-F]{2})`).FindAllStringSubmatch(string(source), -1) {
		n, err := strconv.ParseUint(m[1], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		declared[event.ValueType(n)] = n != uint64(event.TypeArray)
	}
	for typ := range event.TypeArray {
		valid := false
		for size := range 17 {
			valid = valid || event.Value{Type: typ, Data: make([]byte, size)}.Valid()
		}
		if valid != declared[typ] {
			t.Errorf("type %#x: values can be valid: %v, declared: %v", typ, valid, declared[typ])
		}
	}
}

func TestValueText(t *testing.T) {
	tests := []struct {
		name string
		typ  event.ValueType
		data string // hexadecimal
		want string
	}{
		{"null", event.TypeNull, "01020304", ""},
		{"string", event.TypeString, hex.EncodeToString(utf16le("Zażółć 日本 😀")), "Zażółć 日本 😀"},
		{"string with its NUL", event.TypeString, hex.EncodeToString(utf16le("cmd.exe\x00\x00")), "cmd.exe"},
		{"NUL within", event.TypeString, hex.EncodeToString(utf16le("a\x00b")), "a\x00b"},
		{"trailing blanks and line ends stay", event.TypeString, hex.EncodeToString(utf16le("a \r\n")), "a \r\n"},
		{"lone surrogates", event.TypeString, "3dd8 6100 3dde 6200 3dd8", "\uFFFDa\uFFFDb\uFFFD"},
		{"odd last byte", event.TypeString, "6100 62", "a\uFFFD"},
		{"ANSI", event.TypeANSI, "63 6d 64 80 e9 81 00", "cmd€é\uFFFD"},
		{"int8", event.TypeInt8, "ff", "-1"},
		{"uint8", event.TypeUint8, "ff", "255"},
		{"int16", event.TypeInt16, "feff", "-2"},
		{"uint16", event.TypeUint16, "5012", "4688"},
		{"int32", event.TypeInt32, "ffffffff", "-1"},
		{"uint32", event.TypeUint32, "ffffffff", "4294967295"},
		{"int64", event.TypeInt64, "ffffffffffffffff", "-1"},
		{"uint64", event.TypeUint64, "ffffffffffffffff", "18446744073709551615"},
		{"float", event.TypeFloat, "0000c03f", "1.5"},
		{"double", event.TypeDouble, "000000000000f83f", "1.5"},
		{"true", event.TypeBool, "01000000", "true"},
		{"false", event.TypeBool, "00000000", "false"},
		{"binary", event.TypeBinary, "00ff1a", "00FF1A"},
		{"GUID", event.TypeGUID, "72bb5a36 014a e75c 0000 0010ee9dac00", "{365ABB72-4A01-5CE7-0000-0010EE9DAC00}"},
		{"size_t of 4", event.TypeSize, "58000000", "0x58"},
		{"FILETIME", event.TypeFileTime, "112c4a4d70bfd401", "2019-02-08T05:36:55.4535953Z"},
		{"SYSTEMTIME", event.TypeSystemTime, "e307 0200 0500 0800 0500 2400 3700 c501", "2019-02-08T05:36:55.4530000Z"},
		{"SYSTEMTIME of no date", event.TypeSystemTime, "e307 0d00 0500 0800 0500 2400 3700 c501", "E3070D0005000800050024003700C501"},
		{"SID", event.TypeSID, "01 05 000000000005 15000000 01000000 02000000 03000000 f4010000", "S-1-5-21-1-2-3-500"},
		{"SID with a large authority", event.TypeSID, "01 01 100000000005 01000000", "S-1-0x100000000005-1"},
		{"SID cut short", event.TypeSID, "01 05 000000000005 15000000", "010500000000000515000000"},
		{"hex32", event.TypeHexInt32, "e7030000", "0x3e7"},
		{"hex64", event.TypeHexInt64, "0000000001000000", "0x100000000"},
		{"wrong size", event.TypeUint32, "0102", "0102"},
		{"array of uint16", event.TypeArray | event.TypeUint16, "0100 0200 0300", "1, 2, 3"},
		{"array of strings", event.TypeArray | event.TypeString, hex.EncodeToString(utf16le("a\x00bc\x00d")), "a, bc, d"},
		{"array cut within an item", event.TypeArray | event.TypeUint64, "01", "01"},
		{"unknown type", 0x7F, "0102", "0102"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := event.Value{Type: tt.typ, Data: fromHex(t, tt.data)}
			if diff := cmp.Diff(tt.want, v.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValueNumbers(t *testing.T) {
	tests := []struct {
		name string
		v    event.Value
		want uint64
		ok   bool
	}{
		{"pointer of a 32-bit host", event.Value{Type: event.TypeHexInt32, Data: []byte{0x58, 0, 0, 0}}, 0x58, true},
		{"decimal text", event.Value{Type: event.TypeString, Data: utf16le("4688")}, 4688, true},
		{"hexadecimal text", event.Value{Type: event.TypeString, Data: utf16le("0x1A2b\x00")}, 0x1A2B, true},
		{"largest", event.Value{Type: event.TypeString, Data: utf16le("18446744073709551615")}, 1<<64 - 1, true},
		{"too large", event.Value{Type: event.TypeString, Data: utf16le("18446744073709551616")}, 0, false},
		{"no number", event.Value{Type: event.TypeString, Data: utf16le("12x")}, 0, false},
		{"no text", event.Value{Type: event.TypeString}, 0, false},
		{"digits of another script", event.Value{Type: event.TypeString, Data: utf16le("١٢")}, 0, false},
		{"a GUID is none", event.Value{Type: event.TypeGUID, Data: make([]byte, 16)}, 0, false},
		{"three bytes", event.Value{Type: event.TypeUint32, Data: []byte{1, 2, 3}}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := tt.v.Uint(); ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %d, %v; want %d, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestGUIDText(t *testing.T) {
	const text = "{365ABB72-4A01-5CE7-0000-0010EE9DAC00}"
	for _, form := range []string{text, strings.ToLower(text), text[1:37]} {
		g, ok := event.ParseGUID([]byte(form))
		if !ok || g.String() != text {
			t.Errorf("%s: %v, %v", form, g, ok)
		}
		if g.Part1() != 0x365ABB72 || g.Part2() != 0x5CE74A01 {
			t.Errorf("%s: parts %#x %#x", form, g.Part1(), g.Part2())
		}
	}
	for _, bad := range []string{"", "{}", text[:37], strings.Replace(text, "A", "G", 1), strings.Replace(text, "-", "_", 1)} {
		if _, ok := event.ParseGUID([]byte(bad)); ok {
			t.Errorf("%q taken for a GUID", bad)
		}
	}
}

// FuzzUTF16 holds the fast conversion to the standard library's.
func FuzzUTF16(f *testing.F) {
	f.Add([]byte("c\x00m\x00d\x00.\x00e\x00x\x00e\x00"))
	f.Add([]byte{0x3d, 0xd8, 0x00, 0xde, 0x3d, 0xd8})
	f.Fuzz(func(t *testing.T, b []byte) {
		got := event.AppendUTF16(nil, b)
		if !utf8.Valid(got) {
			t.Fatalf("% x: not UTF-8: %q", b, got)
		}
		if len(b)%2 != 0 {
			return
		}
		var units []uint16
		for i := 0; i < len(b); i += 2 {
			units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
		}
		if want := strings.TrimRight(string(utf16.Decode(units)), "\x00"); string(got) != want {
			t.Fatalf("% x: %q, want %q", b, got, want)
		}
	})
}

// FuzzValue renders anything: no value may panic, and text must be UTF-8.
func FuzzValue(f *testing.F) {
	f.Add(uint8(event.TypeSID), []byte{1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0})
	f.Add(uint8(event.TypeArray|event.TypeSystemTime), make([]byte, 17))
	f.Fuzz(func(t *testing.T, typ uint8, data []byte) {
		v := event.Value{Type: event.ValueType(typ), Data: data}
		if !utf8.ValidString(v.String()) {
			t.Fatalf("type %#x, % x: %q", typ, data, v.String())
		}
		v.Valid()
		v.Uint()
		v.Time()
		v.GUID()
	})
}

func BenchmarkAppendUTF16(b *testing.B) {
	text := utf16le(`"C:\Windows\System32\cmd.exe" /c powershell -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIAB`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = event.AppendUTF16(dst[:0], text)
	}
}
