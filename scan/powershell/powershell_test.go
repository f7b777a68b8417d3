package powershell_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/powershell"
)

// encoded returns a script as -EncodedCommand wants it.
func encoded(script string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(script)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func plain(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestSwitches(t *testing.T) {
	payload := encoded("whoami; net user")
	full := "encodedcommand"
	for n := 1; n <= len(full); n++ {
		for _, dash := range []string{"-", "/", "\u2013", "\u2014", "\u2015", "--"} {
			for _, name := range []string{full[:n], strings.ToUpper(full[:n])} {
				line := "powershell.exe -nop -w hidden " + dash + name + " " + payload
				if diff := cmp.Diff([]string{"whoami; net user"}, powershell.Decode(line)); diff != "" {
					t.Errorf("%s:\n%s", line, diff)
				}
			}
		}
	}
	for _, name := range []string{"-ec", "-EncodedArguments", "-encodeda", "-ea", `-"e"nc`, "-e^n^c", "-`enc"} {
		if got := powershell.Decode("pwsh " + name + " " + payload); len(got) != 1 {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, name := range []string{"-ep", "-ex", "-exec", "-encx", "-encodedcommands", "e", "enc", "-", "--", "-command", "-c", "/e/", "---e", "/-e"} {
		if got := powershell.Decode("powershell " + name + " " + payload); len(got) != 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestDecode(t *testing.T) {
	whoami := encoded("whoami")
	tests := []struct {
		name, line string
		want       []string
	}{
		{"empty", "", nil},
		{"nothing encoded", "cmd.exe /c whoami /all", nil},
		{"quoted", `cmd /c "powershell -enc "` + whoami + `""`, []string{"whoami"}},
		{"single quotes", "powershell -e '" + whoami + "'", []string{"whoami"}},
		{"no padding", "powershell -e " + strings.TrimRight(encoded("ls"), "="), []string{"ls"}},
		{"cut short", "powershell -e " + whoami[:11], []string{"whoa"}},
		{"something after it", "powershell -e " + whoami + "; exit", []string{"whoami"}},
		{"more than ASCII", "powershell -e " + encoded("Write-Host 'Grüße 日本 😀'"), []string{"Write-Host 'Grüße 日本 😀'"}},
		{"no argument", "powershell -enc", nil},
		{"a path", `powershell -e C:\scripts\a.ps1`, nil},
		{"a word of another program", "node -e console", nil},
		{"text, but not UTF-16", "grep -e " + plain("some other text that is long"), nil},
		{"two", "a -enc " + whoami + " & b -enc " + encoded("hostname"), []string{"whoami", "hostname"}},
		{"a literal", "powershell -c [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('" + plain("net user /domain") + "'))", []string{"net user /domain"}},
		{"a literal of UTF-16", `IEX([Convert]::FROMBASE64STRING( "` + encoded("net view") + `" ))`, []string{"net view"}},
		{"escaped quotes", `powershell -c "[Convert]::FromBase64String(\"` + plain("ipconfig /all") + `\")"`, []string{"ipconfig /all"}},
		{"joined literals", "FromBase64String('" + plain("net user /domain")[:8] + "' + '" + plain("net user /domain")[8:] + "')", []string{"net user /domain"}},
		{"a variable", "FromBase64String($x); 'QUJD'", nil},
		{"packed", "IO.Compression.GzipStream([Convert]::FromBase64String('" + gzipped("Get-Process | Out-File x") + "'))", []string{"Get-Process | Out-File x"}},
		{"deflated", "IO.Compression.DeflateStream([IO.MemoryStream][Convert]::FromBase64String('" + deflated("Get-Process | Out-File x") + "'))", []string{"Get-Process | Out-File x"}},
		{"no text", "FromBase64String('" + base64.StdEncoding.EncodeToString([]byte{0x4D, 0x5A, 0x90, 0, 3, 0, 0, 0}) + "')", []string{"(8 bytes that are no text)"}},
		{"layers", "powershell -enc " + encoded("powershell -enc "+whoami), []string{"powershell -enc " + whoami, "whoami"}},
		{"a bad literal", "FromBase64String('%%%')", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, powershell.Decode(tt.line)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.line, diff)
			}
		})
	}
}

// TestLimits: however much is encoded, and however deep, there is an end.
func TestLimits(t *testing.T) {
	layers := "whoami"
	for range 6 {
		layers = "powershell -e " + encoded(layers)
	}
	if got := powershell.Decode(layers); len(got) != 4 {
		t.Errorf("%d layers", len(got))
	}
	if got := powershell.Decode(strings.Repeat("-e "+encoded("whoami")+" ", 1000)); len(got) != 16 {
		t.Errorf("%d pieces", len(got))
	}
	bomb := "FromBase64String('" + gzipped(strings.Repeat("A", 10<<20)) + "')"
	if got := strings.Join(powershell.Decode(bomb), ""); len(got) != 1<<16 {
		t.Errorf("%d bytes of a packed text", len(got))
	}
}

func FuzzDecode(f *testing.F) {
	for _, script := range []string{"whoami", "powershell -e " + encoded("ls"), "日本"} {
		f.Add("powershell -enc " + encoded(script))
		f.Add("FromBase64String('" + plain(script) + "'+\"" + plain(script) + "\")")
		f.Add("FromBase64String(\\\"" + gzipped(script) + "\\\")")
		f.Add("DeflateStream FromBase64String('" + deflated(script) + "')")
	}
	f.Fuzz(func(t *testing.T, line string) {
		pieces := powershell.Decode(line)
		total := 0
		for _, p := range pieces {
			if p == "" || !utf8.ValidString(p) {
				t.Errorf("%q: %q", line, p)
			}
			total += len(p)
		}
		if len(pieces) > 16 || total > 1<<16 {
			t.Errorf("%d pieces of %d bytes", len(pieces), total)
		}
		// What follows does not hide it.
		if len(pieces) > 0 && len(powershell.Decode(line+" ")) == 0 {
			t.Errorf("%q: hidden by a space behind it", line)
		}
	})
}

// FuzzMayHaveSwitch: no command line with a switch is taken for one without.
func FuzzMayHaveSwitch(f *testing.F) {
	for _, line := range []string{
		"powershell -e x", "p /enc x", "p --ec x", "p \u2013e x", "p -^e^n x", `p "-e" x`, `p '-'"e" x`, "-e", "p\u00a0-e x", "p\u0085\u2015EA x",
		"p -`e x", "p ^\"-^\"e x", "a-e", "c:/e/f", "-", "x -\u2014e", "p \u2014\u2014EncodedCommand x",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if powershell.HasSwitch(line) && !powershell.MayHaveSwitch(line) {
			t.Errorf("%q has a switch", line)
		}
	})
}

// TestMayHaveSwitch: what has none is seen to have none where nothing looks
// like one.
func TestMayHaveSwitch(t *testing.T) {
	for _, line := range []string{
		`C:\Windows\system32\svchost.exe -k netsvcs -p -s Winmgmt`, "csc /noconfig /fullpaths @x", "net-exec", "c:/exe", "",
		strings.Repeat("-\"", 1<<20) + "x", // looked at once, not from every dash on
	} {
		if powershell.MayHaveSwitch(line) {
			t.Errorf("%.100q", line)
		}
	}
}
