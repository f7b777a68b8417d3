package rules

import (
	"fmt"
	"regexp"
	"strings"

	"webshellscan/rules/internal/text"
)

// placeholderError is an error about a placeholder rather than about a value.
type placeholderError struct{ reason string }

// Error implements error.
func (e *placeholderError) Error() string { return e.reason }

// expandPlaceholders returns the texts that a value of the modifier expand
// stands for: every placeholder replaced by each of its values, in all
// combinations. Sigma rules specification, "Placeholders": %name% is a
// placeholder; a percent sign after a backslash is plain; the replacement may
// be a pattern, so it is put in as it is; a rule whose placeholders a tool does
// not know must be rejected.
func expandPlaceholders(source string, values map[string][]string, render func(string) string) ([]string, error) {
	variants := []string{""}
	for source != "" {
		plain, name, rest := cutPlaceholder(source)
		for i := range variants {
			variants[i] += plain
		}
		source = rest
		if name == "" {
			continue
		}
		replacements, ok := values[name]
		if !ok {
			return nil, &placeholderError{fmt.Sprintf("no value is known for placeholder %%%s%%", name)}
		}
		var next []string
		size := 0
		for _, v := range variants {
			for _, r := range replacements {
				if len(next) <= text.MaxVariants && size <= text.MaxVariantBytes {
					next = append(next, v+render(r))
					size += len(next[len(next)-1])
				}
			}
		}
		if len(next) > text.MaxVariants || size > text.MaxVariantBytes {
			return nil, &placeholderError{fmt.Sprintf("placeholders make more than %d values or %d bytes", text.MaxVariants, text.MaxVariantBytes)}
		}
		variants = next
	}
	return variants, nil
}

// cutPlaceholder returns the text before the first placeholder with its percent
// escapes resolved, the placeholder's name, and the text after it. Without a
// placeholder the name is "" and everything is before it.
func cutPlaceholder(text string) (plain, name, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '%':
			i++
			b.WriteByte('%')
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '\\':
			i++
			b.WriteString(`\\`)
		case text[i] == '%':
			end := i + 1
			for end < len(text) && isWordByte(text[end]) {
				end++
			}
			if end > i+1 && end < len(text) && text[end] == '%' {
				return b.String(), text[i+1 : end], text[end+1:]
			}
			b.WriteByte('%')
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), "", ""
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// patternRegexp returns the regular expression of a pattern, for placeholders
// within regular expressions.
func patternRegexp(s string) string {
	var b strings.Builder
	for _, part := range text.ParsePattern(s) {
		switch part.Wild {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(part.Text))
		}
	}
	return b.String()
}
