package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal returns how many columns a writer has, and whether it is a terminal
// that obeys terminal sequences.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) || !obeysSequences(f) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// wantsASCII reports whether the terminal's character set cannot draw boxes: by
// the locale, where there is one.
func wantsASCII() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := os.Getenv(name); value != "" {
			upper := strings.ToUpper(value)
			return !strings.Contains(upper, "UTF-8") && !strings.Contains(upper, "UTF8")
		}
	}
	return false
}
