package text

import (
	"fmt"
	"strings"
)

// Quote renders a text of a rule for a message: quoted, one line, not too long.
func Quote(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
