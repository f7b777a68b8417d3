package rules

import (
	"errors"
	"strconv"
	"strings"
)

// What a ParseError is about; compare with errors.Is.
var (
	ErrRead        = errors.New("rules: file cannot be read")
	ErrInternal    = errors.New("rules: error of this program")
	ErrTooLarge    = errors.New("rules: over a size limit")
	ErrYAML        = errors.New("rules: not valid YAML")
	ErrNotRule     = errors.New("rules: not a Sigma document")
	ErrMissing     = errors.New("rules: mandatory attribute missing")
	ErrType        = errors.New("rules: wrong type")
	ErrCondition   = errors.New("rules: bad condition")
	ErrModifier    = errors.New("rules: bad modifier")
	ErrValue       = errors.New("rules: bad value")
	ErrRegexp      = errors.New("rules: bad regular expression")
	ErrPlaceholder = errors.New("rules: placeholder without a value")
	ErrReference   = errors.New("rules: reference cannot be resolved")
)

// ParseError is what is wrong with a rule and where. It is also used for what
// only Compile can find.
type ParseError struct {
	File   string // as given to Parse
	Line   int    // counted from 1 in the file; 0 if the whole file is meant
	Column int    // in characters, counted from 1; 0 if the whole line is meant
	Reason string // for people; one line, without position
	Err    error  // one of the sentinels of this package
}

// Error returns "file:line:column: reason", without the parts that are not
// known.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	for _, n := range [...]int{e.Line, e.Column} {
		if n == 0 {
			break
		}
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(n))
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap returns the sentinel.
func (e *ParseError) Unwrap() error { return e.Err }
