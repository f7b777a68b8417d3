package powershell

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quotes are what a shell removes from words before PowerShell gets them:
// cmd.exe its carets, the C runtime the double quotes, PowerShell itself
// backticks and single quotes.
var quotes = strings.NewReplacer(`"`, "", "^", "", "`", "", "'", "")

// encodedArguments yields the words that follow a switch such as
// -EncodedCommand.
func encodedArguments(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !mayHaveSwitch(text) {
			return
		}
		words := strings.Fields(quotes.Replace(text))
		for i := 0; i+1 < len(words); i++ {
			if isEncodedSwitch(words[i]) && !yield(words[i+1]) {
				return
			}
		}
	}
}

// mayHaveSwitch reports whether a text may have a switch that begins with an e.
// Most command lines have none, and need not be taken apart.
func mayHaveSwitch(text string) bool {
	const (
		dash  = "-/\u2013\u2014\u2015"
		quote = "\"^`'"
	)
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '-', '/':
		case dash[2]: // the first byte of the others
			if r, _ := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError {
				return true // without a quote it may be one
			}
		default:
			continue
		}
		if i > 0 && text[i-1] > ' ' && text[i-1] < utf8.RuneSelf && !strings.Contains(quote+dash, text[i-1:i]) {
			continue // within a word
		}
		name := strings.TrimLeft(text[i:], quote+dash)
		if name != "" && name[0]|0x20 == 'e' {
			return true
		}
		i = max(i, len(text)-len(name)-1) // the other dashes of the run lead to the same name
	}
	return false
}

// isEncodedSwitch reports whether a word is -EncodedCommand or
// -EncodedArguments as PowerShell takes them: after a hyphen, one of three
// dashes or a slash, or two hyphens, in any case, and cut short
// (CommandLineParameterParser in github.com/PowerShell/PowerShell, and
// "about_PowerShell_exe").
func isEncodedSwitch(word string) bool {
	first, size := utf8.DecodeRuneInString(word)
	if first != '/' && !isDash(first) {
		return false
	}
	name := word[size:]
	if second, size := utf8.DecodeRuneInString(name); first != '/' && isDash(second) {
		name = name[size:]
	}
	if name == "" || len(name) > len("encodedarguments") {
		return false
	}
	name = strings.ToLower(name)
	return strings.HasPrefix("encodedcommand", name) || name == "ec" ||
		strings.HasPrefix(name, "encodeda") && strings.HasPrefix("encodedarguments", name) || name == "ea"
}

func isDash(r rune) bool { return r == '-' || r == '\u2013' || r == '\u2014' || r == '\u2015' }

// base64Literals yields the string literals that are given to FromBase64String;
// those that are joined with + as one.
func base64Literals(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		const method = "frombase64string"
		if !strings.Contains(text, "64") {
			return
		}
		lower := asciiLower(text)
		for at := 0; ; {
			i := strings.Index(lower[at:], method)
			if i < 0 {
				return
			}
			at += i + len(method)
			rest := strings.TrimLeft(text[at:], "\\ \t\r\n(\"'`")
			// What was trimmed has to hold a quote:
			// FromBase64String($x) has no literal.
			if !strings.ContainsAny(text[at:len(text)-len(rest)], `"'`) {
				continue
			}
			found, length := literal(rest)
			at = len(text) - len(rest) + length
			if !yield(found) {
				return
			}
		}
	}
}

// literal returns the Base64 at the start of a text, past quotes and plus signs
// that join literals, and how many bytes of the text it takes.
func literal(text string) (found string, length int) {
	var b strings.Builder
	whole := len(text)
	for {
		n := 0
		for n < len(text) && (isBase64(text[n]) || unicode.IsSpace(rune(text[n]))) {
			n++
		}
		b.WriteString(text[:n])
		text = text[n:]
		joined := strings.TrimLeft(text, "\\\"'` \t\r\n")
		after, ok := strings.CutPrefix(joined, "+")
		if !ok || len(joined) == len(text) {
			return b.String(), whole - len(text)
		}
		next := strings.TrimLeft(after, "\\ \t\r\n`")
		if next == "" || next[0] != '\'' && next[0] != '"' {
			return b.String(), whole - len(text)
		}
		text = next[1:]
	}
}

// asciiLower lowers A to Z and nothing else, so that offsets stay.
func asciiLower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
