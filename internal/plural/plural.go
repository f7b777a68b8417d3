// Package plural writes numbers of things in English.
package plural

import "fmt"

// Count returns a number with what it counts. The plural is given unless it
// only takes an s.
func Count(n int, what string, plural ...string) string {
	switch {
	case n == 1:
		return "1 " + what
	case len(plural) > 0:
		return fmt.Sprintf("%d %s", n, plural[0])
	}
	return fmt.Sprintf("%d %ss", n, what)
}
