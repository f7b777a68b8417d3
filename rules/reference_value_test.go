package rules_test

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"webshellscan/rules"
)

// slowExpand replaces placeholders. "Placeholders"
func slowExpand(item *rules.Item, text string, values map[string][]string) []string {
	if !slices.Contains(item.Modifiers, "expand") {
		return []string{text}
	}
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\%`):
			text = text[:i] + text[i+1:] // now a percent sign like any other, and behind us
		case strings.HasPrefix(text[i:], `\\`):
			i++
		default:
			m := regexp.MustCompile(`^%(\w+)%`).FindStringSubmatch(text[i:])
			if m == nil {
				continue
			}
			var out []string
			for _, value := range values[m[1]] {
				if slices.Contains(item.Modifiers, "re") {
					value = slowPatternRegexp(value)
				}
				for _, tail := range slowExpand(item, text[i+len(m[0]):], values) {
					out = append(out, text[:i]+value+tail)
				}
			}
			return out
		}
	}
	return []string{text}
}

func slowPatternRegexp(s string) string {
	var out strings.Builder
	for _, t := range slowTokens(s) {
		switch t.wild {
		case '*':
			out.WriteString(".*")
		case '?':
			out.WriteString(".")
		default:
			out.WriteString(regexp.QuoteMeta(string(t.char)))
		}
	}
	return out.String()
}

// slowToken is a character of a pattern, or a wildcard, or any dash.
type slowToken struct {
	char rune
	wild byte
}

// slowTokens resolves escapes. "Escape Character"
func slowTokens(s string) []slowToken {
	var out []slowToken
	chars := []rune(s)
	for i := 0; i < len(chars); i++ {
		c := chars[i]
		if c == '\\' && i+1 < len(chars) && strings.ContainsRune(`*?\`, chars[i+1]) {
			i++
			out = append(out, slowToken{char: chars[i]})
		} else if c == '*' || c == '?' {
			out = append(out, slowToken{wild: byte(c)})
		} else {
			out = append(out, slowToken{char: c})
		}
	}
	return out
}

// slowMatch matches a content against a pattern, by trying everything, but each
// pair of places once.
func slowMatch(pattern []slowToken, s []rune, cased bool) bool {
	failed := make(map[[2]int]bool)
	var try func(i, j int) bool
	try = func(i, j int) bool {
		if i == len(pattern) {
			return j == len(s)
		}
		if failed[[2]int{i, j}] {
			return false
		}
		ok := false
		switch t := pattern[i]; {
		case t.wild == '*':
			ok = try(i+1, j) || j < len(s) && try(i, j+1)
		case j == len(s):
		case t.wild == '?':
			ok = try(i+1, j+1)
		case t.wild == 'd':
			ok = strings.ContainsRune("-/–—―", s[j]) && try(i+1, j+1)
		default:
			ok = slowEqual([]rune{t.char}, s[j:j+1], cased) && try(i+1, j+1)
		}
		failed[[2]int{i, j}] = !ok
		return ok
	}
	return try(0, 0)
}

// slowRunes cuts a text into characters; a byte that is not UTF-8 is one,
// unlike any other character.
func slowRunes(s string) []rune {
	var out []rune
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			r = -rune(s[i])
		}
		out = append(out, r)
		i += size
	}
	return out
}

// slowValue applies one value with its modifiers to one content. Sigma
// modifiers appendix.
func slowValue(item *rules.Item, v rules.Value, s, content string) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(item.Modifiers, n) })
	}
	for _, part := range []string{"minute", "hour", "day", "week", "month", "year"} {
		if has(part) {
			n, ok := slowTimePart(content, part)
			return ok && slowCompare(item, big.NewRat(int64(n), 1), s)
		}
	}
	switch {
	case has("cidr"):
		return slowCIDR(s, content)
	case has("re"):
		return slowRegexp(item, s, content)
	case has("lt", "lte", "gt", "gte"):
		n, ok := slowNumber(content)
		return ok && slowCompare(item, n, s)
	case v.Kind == rules.NumberValue && item.Field != "" && len(slices.DeleteFunc(slices.Clone(item.Modifiers), func(m string) bool {
		return m == "all" || m == "neq" || m == "expand"
	})) == 0:
		n, ok := slowNumber(content)
		return strings.EqualFold(content, s) || ok && slowCompare(item, n, s)
	}
	variants := [][]slowToken{slowTokens(s)}
	for _, m := range item.Modifiers { // "applied in the given order"
		var next [][]slowToken
		for _, tokens := range variants {
			if m == "windash" && !has("base64", "base64offset", "utf16", "utf16le", "utf16be", "wide") {
				next = append(next, slowAnyDash(tokens)) // the same as all permutations, which may be too many
				continue
			}
			next = append(next, slowTransform(m, tokens)...)
		}
		variants = next
	}
	return slices.ContainsFunc(variants, func(tokens []slowToken) bool {
		star := slowToken{wild: '*'}
		if item.Field == "" && !has("startswith", "endswith", "contains") {
			tokens = slices.Concat([]slowToken{star}, tokens, []slowToken{star})
		}
		for i := range tokens { // bytes are looked for as the characters of their numbers
			if tokens[i].char >= slowByteBase {
				tokens[i].char -= slowByteBase
			}
		}
		return slowMatch(tokens, slowRunes(content), has("cased"))
	})
}

func slowTransform(modifier string, tokens []slowToken) [][]slowToken {
	star := slowToken{wild: '*'}
	text := func() string {
		var out []rune
		for _, t := range tokens {
			out = append(out, t.char)
		}
		return string(out)
	}
	switch modifier {
	case "contains":
		return [][]slowToken{slices.Concat([]slowToken{star}, tokens, []slowToken{star})}
	case "startswith":
		return [][]slowToken{slices.Concat(tokens, []slowToken{star})}
	case "endswith":
		return [][]slowToken{slices.Concat([]slowToken{star}, tokens)}
	case "windash":
		return slowDashes(tokens)
	case "utf16", "utf16le", "utf16be", "wide":
		return [][]slowToken{slowUTF16(modifier, tokens)}
	case "base64":
		return [][]slowToken{slowTokens(base64.StdEncoding.EncodeToString(slowBytes(text())))}
	case "base64offset":
		return slowOffsets(slowBytes(text()))
	}
	return [][]slowToken{tokens}
}

// slowBytes returns the bytes to encode: those that utf16 marked as such, or
// the UTF-8 form.
func slowBytes(s string) []byte {
	var out []byte
	for _, r := range s {
		if r >= slowByteBase {
			out = append(out, byte(r-slowByteBase))
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// slowByteBase begins a private range that stands for bytes.
const slowByteBase = 0x100000

func slowUTF16(modifier string, tokens []slowToken) []slowToken {
	var out []slowToken
	add := func(b byte) { out = append(out, slowToken{char: rune(b) + slowByteBase}) }
	if modifier == "utf16" {
		add(0xFF)
		add(0xFE)
	}
	for _, t := range tokens {
		if t.wild != 0 {
			out = append(out, t)
			continue
		}
		char := t.char
		if char >= slowByteBase {
			char -= slowByteBase
		}
		for _, u := range utf16.Encode([]rune{char}) {
			if modifier == "utf16be" {
				add(byte(u >> 8))
				add(byte(u))
			} else {
				add(byte(u))
				add(byte(u >> 8))
			}
		}
	}
	return out
}

// slowAnyDash replaces dashes by a wildcard for any dash.
func slowAnyDash(tokens []slowToken) []slowToken {
	out := slices.Clone(tokens)
	for i, t := range out {
		if t.wild == 0 && strings.ContainsRune("-/–—―", t.char) {
			out[i] = slowToken{wild: 'd'}
		}
	}
	return out
}

func slowDashes(tokens []slowToken) [][]slowToken {
	out := [][]slowToken{nil}
	for _, t := range tokens {
		forms := []slowToken{t}
		if t.wild == 0 && strings.ContainsRune("-/–—―", t.char) {
			forms = []slowToken{{char: '-'}, {char: '/'}, {char: '–'}, {char: '—'}, {char: '―'}}
		}
		var next [][]slowToken
		for _, head := range out {
			for _, form := range forms {
				next = append(next, append(slices.Clone(head), form))
			}
		}
		out = next
	}
	return out
}

// slowOffsets finds the static middle of the Base64 form by encoding between
// different neighbours: it is what does not change.
func slowOffsets(data []byte) [][]slowToken {
	var out [][]slowToken
	for shift := range 3 {
		var forms []string
		for _, neighbour := range []byte{0x00, 0xFF, 0x55, 0xAA} {
			whole := slices.Concat(slices.Repeat([]byte{neighbour}, shift), data, slices.Repeat([]byte{neighbour}, 9))
			forms = append(forms, base64.StdEncoding.EncodeToString(whole))
		}
		start := (8*shift + 5) / 6 // the first character all of whose bits are the data's
		end := (8 * (shift + len(data))) / 6
		for _, f := range forms {
			if f[start:end] != forms[0][start:end] {
				panic(fmt.Sprintf("not static: %q", forms))
			}
		}
		out = append(out, slowTokens(forms[0][start:end]))
	}
	return out
}

func slowRegexp(item *rules.Item, s, content string) bool {
	flags := ""
	for _, f := range []string{"i", "m", "s"} {
		if slices.Contains(item.Modifiers, f) {
			flags += f
		}
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	switch {
	case slices.Contains(item.Modifiers, "startswith"):
		s = `\A(?:` + s + `)`
	case slices.Contains(item.Modifiers, "endswith"):
		s = `(?:` + s + `)\z`
	}
	return regexp.MustCompile(flags + s).MatchString(content)
}

func slowCIDR(s, content string) bool {
	if !strings.Contains(s, "/") {
		return net.ParseIP(s).Equal(net.ParseIP(content))
	}
	_, network, err := net.ParseCIDR(s)
	ip := net.ParseIP(content)
	return err == nil && ip != nil && network.Contains(ip)
}

func slowNumber(s string) (*big.Rat, bool) {
	if !regexp.MustCompile(`^(0[xX][0-9a-fA-F]{1,16}|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?)$`).MatchString(s) {
		return nil, false
	}
	if i, ok := new(big.Int).SetString(strings.ToLower(s), 0); ok && strings.HasPrefix(strings.ToLower(s), "0x") {
		return new(big.Rat).SetInt(i), true
	}
	return new(big.Rat).SetString(s)
}

func slowCompare(item *rules.Item, n *big.Rat, s string) bool {
	bound, ok := new(big.Rat).SetString(s)
	if !ok {
		return false
	}
	switch c := n.Cmp(bound); {
	case slices.Contains(item.Modifiers, "lt"):
		return c < 0
	case slices.Contains(item.Modifiers, "lte"):
		return c <= 0
	case slices.Contains(item.Modifiers, "gt"):
		return c > 0
	case slices.Contains(item.Modifiers, "gte"):
		return c >= 0
	default:
		return c == 0
	}
}

func slowTimePart(s, part string) (int, bool) {
	m := regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?`).FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	clock := m[2]
	if clock == "" {
		if part == "hour" || part == "minute" {
			return 0, false
		}
		clock = "00:00"
	}
	at, err := time.Parse("2006-01-02 15:04", m[1]+" "+clock)
	if err != nil {
		return 0, false
	}
	switch part {
	case "minute":
		return at.Minute(), true
	case "hour":
		return at.Hour(), true
	case "day":
		return at.Day(), true
	case "week":
		_, week := at.ISOWeek()
		return week, true
	case "month":
		return int(at.Month()), true
	}
	return at.Year(), true
}
